// Certificates for servers of tests, made by openssl.

import { strict as assert } from "node:assert";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];

async function openssl(folder: string, ...args: readonly string[]): Promise<void> {
  const command = new Deno.Command("openssl", { args: [...args], cwd: folder, stdin: "null" });
  const { success, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Makes NAME.pem and NAME.key of an authority in the folder. */
export async function makeAuthority(folder: string, name: string): Promise<void> {
  const key = [...newKey, `${name}.key`];
  const subject = ["-subj", `/CN=${name}`, "-days", "1"];
  await openssl(folder, "req", "-x509", ...key, ...subject, "-out", `${name}.pem`);
}

/** Makes server.pem and server.key for localhost and 127.0.0.1, signed by the authority. */
export async function makeCertificate(folder: string, authority: string): Promise<void> {
  const key = [...newKey, "server.key"];
  await openssl(folder, "req", ...key, "-subj", "/CN=server", "-out", "server.csr");
  await Deno.writeTextFile(`${folder}/names`, "subjectAltName=IP:127.0.0.1,DNS:localhost");
  const signer = ["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
  const request = ["-req", "-in", "server.csr", "-extfile", "names", "-days", "1"];
  await openssl(folder, "x509", ...request, ...signer, "-out", "server.pem");
}
