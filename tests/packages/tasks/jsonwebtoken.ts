// Signs and checks tokens with jsonwebtoken, by a secret and by a pair of keys.

import jwt from "jsonwebtoken";
import { generateKeyPairSync } from "node:crypto";

/** Needs no params. */
export default function run() {
  const token = jwt.sign({ user: "ada" }, "secret", { expiresIn: "1h", issuer: "corpus" });
  const { user, iss } = jwt.verify(token, "secret", { issuer: "corpus" });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signed = jwt.sign({ n: 1 }, privateKey, { algorithm: "ES256" });
  return {
    user,
    iss,
    n: jwt.verify(signed, publicKey).n,
    wrong: problemOf(() => jwt.verify(token, "another secret")),
    old: problemOf(() => jwt.verify(jwt.sign({ exp: 1 }, "secret"), "secret")),
  };
}

function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
