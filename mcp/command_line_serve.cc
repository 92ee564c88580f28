#include "mcp/command_line_serve.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "mcp/command_line_access.h"
#include "mcp/command_line_forks.h"

namespace chronos {
namespace {

// ADDRESS:PORT with an IPv6 address in brackets, or a port alone.
std::string read_listen(const std::string& text, CommandLine::ServeOptions& serve) {
  const size_t colon = text.rfind(':');
  std::string address = colon == std::string::npos ? "" : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  const char* const end = port.data() + port.size();
  const auto parsed = std::from_chars(port.data(), end, serve.port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port.empty()) {
    return "'" + text + "' is no place to listen; give ADDRESS:PORT, like 127.0.0.1:8787 or [::1]:8787";
  }
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  if (!address.empty()) serve.address = address;
  return "";
}

}  // namespace

void add_serve(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "serve", "Serve MCP and plain tool calls over HTTP", R"(
MCP is at /mcp, tools are at /v1/tools. Ends at SIGTERM, within five seconds.

Examples:
  chronos serve
  chronos serve --data ./store --listen 127.0.0.1:9000)");
  CommandLine::ServeOptions& serve = line.serve;
  command
      ->add_option("--listen", serve.listen,
                   "Where to listen: an IP address of this machine and a port, 0 for a free one")
      ->type_name("ADDRESS:PORT")
      ->check(CLI::Validator([&serve](const std::string& text) { return read_listen(text, serve); }, ""))
      ->capture_default_str();
  command
      ->add_option("--allow-host", serve.allow_hosts,
                   "A name this server is reached by, besides localhost; may be given again")
      ->type_name("NAME");
  command
      ->add_option("--allow-origin", serve.allow_origins,
                   "Pages of this origin may call, like https://example.org; may be given again")
      ->type_name("ORIGIN");
  auto* certificate = command
                          ->add_option("--tls-cert", serve.tls_certificate,
                                       "Speak TLS with this certificate: a PEM file, read again when it changes")
                          ->type_name("FILE");
  auto* key = command->add_option("--tls-key", serve.tls_key, "The certificate's key, a PEM file")->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  add_access_options(*command, serve.access);
}

}  // namespace chronos
