// Imported before a server that would listen on every address of the machine, and close idle connections: it listens on
// 127.0.0.1, and keeps them.
import { Server } from "node:net";

const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  this.keepAliveTimeout = 600_000; // idle clients are what is measured
  return typeof port === "object" ? listen.call(this, port, ...rest) : listen.call(this, port, "127.0.0.1", ...rest);
};
