// Hashes a password with bcrypt, which is a native module.

import bcrypt from "bcrypt";

/** Needs no params. */
export default function run() {
  return bcrypt.hash("password", 4);
}
