import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRabbitmqOptions } from "../../drivers/queues/rabbitmq/options.ts";
import { parseMysqlDsn } from "../../drivers/repositories/mysql/dsn.ts";
import { parseServerUri } from "../../drivers/server_uri.ts";
import { ValetError } from "../../src/errors.ts";

function parse(text: string) {
  return parseServerUri(text, ["amqp", "amqps"], (problem) => {
    throw new Error(problem);
  });
}

Deno.test("parseServerUri takes a URI apart and decodes its parts", () => {
  assert.deepEqual(parse("AMQP://us%40er:p%2Fw@one:1,two.example,[::1]:65535/a%2Fb?x=1%26&y=&z"), {
    scheme: "amqp",
    user: "us@er",
    password: "p/w",
    places: [
      { host: "one", port: 1 },
      { host: "two.example", port: undefined },
      { host: "::1", port: 65_535 },
    ],
    path: "a/b",
    parameters: [["x", "1&"], ["y", ""], ["z", ""]],
  });
  assert.deepEqual(parse("amqps://h"), {
    scheme: "amqps",
    user: "",
    password: "",
    places: [{ host: "h", port: undefined }],
    path: "",
    parameters: [],
  });
  assert.equal(parse("amqp://h//v").path, "/v");
});

/** Letters that stand in no message of a driver and in no other part of these URIs. */
const letters = [..."ZXJ"];
const specials = [..."@/:?#[]%&=,;()+ \\\"'.-_\u00e9"];
const password = fc.array(fc.constantFrom(...letters, ...letters, ...specials), {
  minLength: 1,
  maxLength: 12,
}).map((characters) => characters.join(""));

/** Whether any piece of the password stands in what anybody may see of what was thrown. */
function assertSecret(thrown: unknown): void {
  assert.ok(thrown instanceof ValetError && thrown.code === "invalid_config", String(thrown));
  const { message, details, fields, cause } = thrown;
  const shown = JSON.stringify([message, details, fields, String(cause)]);
  assert.doesNotMatch(shown, new RegExp(`[${letters.join("")}]`));
}

type Read = (text: string) => {
  readonly password: string;
  readonly others: readonly unknown[];
};

function readMysql(text: string) {
  const { password, host, port, user, database, socketPath } = parseMysqlDsn(text);
  return { password, others: [host, port, user, database, socketPath] };
}

function readRabbitmq(uri: string) {
  const { broker } = parseRabbitmqOptions({ uri });
  return { password: broker.password, others: [broker.places, broker.username, broker.vhost] };
}

const templates: readonly (readonly [before: string, after: string, read: Read])[] = [
  ["amqp://user:", "@host:5672/vhost", readRabbitmq],
  ["amqp://user:", "@host", readRabbitmq],
  ["amqps://user:", "@one:1,two:2/%2F?heartbeat=1", readRabbitmq],
  ["mysql://user:", "@host:3306/base", readMysql],
  ["mariadb://user:", "@host/base?tls=true&timeout=1s", readMysql],
  ["user:", "@tcp(host:3306)/base?parseTime=true", readMysql],
  ["user:", "@/base", readMysql],
];
for (const [before, after, read] of templates) {
  const whole = `${before}PASSWORD${after}`;
  const expected = read(whole).others;

  Deno.test(`a password in ${whole} is read as it is, or refused without a piece of it`, () => {
    fc.assert(
      fc.property(password, (password) => {
        let found;
        try {
          found = read(`${before}${password}${after}`);
        } catch (thrown) {
          return assertSecret(thrown);
        }
        assert.deepEqual(found, { password, others: expected });
      }),
      { numRuns: 5_000 },
    );
  });

  if (before.includes("//")) {
    Deno.test(`a percent-encoded password in ${whole} is read`, () => {
      fc.assert(
        fc.property(password, (password) => {
          const found = read(`${before}${encodeURIComponent(password)}${after}`);
          assert.deepEqual(found, { password, others: expected });
        }),
        { numRuns: 1_000 },
      );
    });
  }

  Deno.test(`a piece of ${whole} is refused without a piece of the password`, () => {
    // With an @, what is left may be whole, with a shorter password.
    const unparted = password.filter((password) => !password.includes("@"));
    const cut = fc.tuple(unparted, fc.nat(after.length), fc.constantFrom("", '"', "x=", "\n"));
    fc.assert(
      fc.property(cut, ([password, length, wrapping]) => {
        const text = `${wrapping}${before}${password}${after.slice(0, length)}${wrapping}`;
        try {
          read(text);
        } catch (thrown) {
          if (!(thrown instanceof ValetError)) throw thrown;
          assertSecret(thrown);
        }
      }),
      { numRuns: 5_000 },
    );
  });
}
