// Why a request failed, in words: what node:http, node:dns, node:tls and node:zlib throw has a code that
// people need not know.

/** Codes of operating system and runtime. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the answer was complete",
  EPIPE: "the connection was closed before the answer was complete",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was closed before the answer was complete",
  EHOSTUNREACH: "the server cannot be reached",
  ENETUNREACH: "the server cannot be reached",
  ETIMEDOUT: "the server did not answer in time",
  ENOTFOUND: "the name of the host is not known",
  EAI_AGAIN: "the name of the host cannot be looked up at the moment",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS there; use http://",
  HPE_HEADER_OVERFLOW: "the header of the answer is too long",
};

/** The reason; undefined for what is no failure of the request: a refused permission. */
export function reasonOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "NotCapable") return undefined;
  const { code } = thrown as { code?: unknown };
  if (typeof code !== "string") return thrown.message;
  if (Object.hasOwn(reasons, code)) return reasons[code];
  if (code.startsWith("HPE_")) return `the answer is not valid HTTP (${thrown.message})`;
  if (code.startsWith("Z_") || code.startsWith("ERR_BROTLI") || code.startsWith("ERR__ERROR_")) {
    return `the answer cannot be decompressed (${thrown.message})`;
  }
  if (/CERT|^UNABLE_TO|^SELF_SIGNED|^DEPTH_ZERO/.test(code)) {
    return `the certificate of the server is not trusted (${thrown.message})`;
  }
  return `${thrown.message} (${code})`;
}
