// The id of a request, by which its log lines and its answer are found together.

const allowed = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Makes the function that gives a request its id: its `X-Request-Id` if that is 1 to 128 letters, digits,
 * dots, hyphens or underscores, else a new one, unique among all nodes: a random text for this process and
 * a number.
 */
export function createRequestIds(): (headers: Headers) => string {
  const process = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return (headers) => {
    const given = headers.get("x-request-id");
    return given !== null && allowed.test(given) ? given : `${process}-${++count}`;
  };
}
