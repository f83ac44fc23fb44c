import assert from "node:assert/strict";
import { type MysqlAddress, parseMysqlDsn } from "../../../../drivers/repositories/mysql/dsn.ts";
import { ValetError } from "../../../../src/errors.ts";

const plain: MysqlAddress = {
  host: "127.0.0.1",
  port: 3306,
  socketPath: undefined,
  user: "user",
  password: "secret",
  database: "valet",
  tls: "off",
  caPem: undefined,
  connectTimeoutMs: 3_000,
  queryTimeoutMs: 15_000,
  maxPacketBytes: undefined,
  compress: false,
  allowCleartextPasswords: false,
  attributes: {},
};

const accepted: Record<string, Partial<MysqlAddress>> = {
  "user:secret@/valet": {},
  "  user:secret@/valet\n": {},
  "user@/valet": { password: "" },
  "user:secret@tcp/valet": {},
  "user:secret@tcp(db)/valet": { host: "db" },
  "user:secret@tcp(db:3307)/valet": { host: "db", port: 3307 },
  "user:secret@(db:3307)/valet": { host: "db", port: 3307 },
  "user:secret@tcp(:3307)/valet": { port: 3307 },
  "user:secret@tcp4(10.0.0.1)/valet": { host: "10.0.0.1" },
  "user:secret@tcp([de:ad:be:ef::ca:fe]:80)/valet": { host: "de:ad:be:ef::ca:fe", port: 80 },
  "user:secret@tcp6([::1])/valet": { host: "::1" },
  "user:secret@unix(/run/mysqld/mysqld.sock)/valet": { socketPath: "/run/mysqld/mysqld.sock" },
  "user:secret@unix/valet": { socketPath: "/tmp/mysql.sock" },
  "user://secret@tcp(db)/valet": { password: "//secret", host: "db" },
  "user:p@ss:w/rd?&=%@tcp(db)/valet": { password: "p@ss:w/rd?&=%", host: "db" },
  "user:secret@/a%2Fb": { database: "a/b" },
  "user:secret@/valet?parseTime=true&loc=Local&charset=utf8mb4,utf8&collation=utf8mb4_bin": {},
  "user:secret@/valet?time_zone=%27Europe%2FParis%27&sql_mode=TRADITIONAL&autocommit=1": {},
  "user:secret@/valet?clientFoundRows=true&interpolateParams=true&multiStatements=true": {},
  "user:secret@/valet?allowAllFiles=false&allowOldPasswords=0&allowNativePasswords=true": {},
  "user:secret@/valet?timeout=1m30s&readTimeout=500ms": {
    connectTimeoutMs: 90_000,
    queryTimeoutMs: 500,
  },
  "user:secret@/valet?writeTimeout=1.5s&timeout=0": { queryTimeoutMs: 1_500 },
  "user:secret@/valet?maxAllowedPacket=0": {},
  "user:secret@/valet?maxAllowedPacket=4194304": { maxPacketBytes: 4_194_304 },
  "user:secret@/valet?compress=true&allowCleartextPasswords=TRUE": {
    compress: true,
    allowCleartextPasswords: true,
  },
  "user:secret@/valet?connectionAttributes=team:jobs,url:http:%2F%2Fa%20b": {
    attributes: { team: "jobs", url: "http://a b" },
  },
  "user:secret@/valet?tls=false": {},
  "user:secret@/valet?tls=true": { tls: "verified" },
  "user:secret@/valet?tls=skip-verify": { tls: "unverified" },
  "user:secret@/valet?tls=preferred": { tls: "preferred" },
  "mysql://user:secret@127.0.0.1/valet": {},
  "mysql://user:secret@db:3307/valet?tls=true": { host: "db", port: 3307, tls: "verified" },
  "mysql://us%40er:p%40ss%3Aw%2Frd@[::1]:3307/va%20let": {
    user: "us@er",
    password: "p@ss:w/rd",
    host: "::1",
    port: 3307,
    database: "va let",
  },
  "mysql://user:secret@/valet": {},
};

for (const [dsn, expected] of Object.entries(accepted)) {
  Deno.test(`parseMysqlDsn accepts ${dsn.trim()}`, () => {
    assert.deepEqual(parseMysqlDsn(dsn), { ...plain, ...expected });
  });
}

const refused: Record<string, RegExp> = {
  "user:secret@tcp(db)": /no slash before the name of the database/,
  "user:secret@tcp(db)/": /names no database/,
  "tcp(db)/valet": /names no user/,
  "user:secret@udp(db)/valet": /udp is not a protocol; tcp and unix/,
  "user:secret@db/valet": /no address; tcp\(host:3306\)/,
  "user://secret@udp/valet": /begins with user:/,
  "postgres://user:secret@db/valet": /begins with postgres:\/\/; write it as .* or mysql:\/\//,
  "postgres://user:secret@db:5432/valet": /begins with postgres:/,
  "postgres://user:secret@db": /begins with postgres:/,
  "user:secret@tcp(db/valet": /no address; tcp\(host:3306\)/,
  "user:secret@tcp(db:0)/valet": /db:0 is no address/,
  "user:secret@tcp(db:99999)/valet": /db:99999 is no address/,
  "user:secret@tcp(::1)/valet": /::1 is no address; .*\[IPv6 address\]/,
  "user:secret@/valet?allowAllFiles=true": /allowAllFiles is true: Valet cannot do that/,
  "user:secret@/valet?allowOldPasswords=1": /allowOldPasswords is 1/,
  "user:secret@/valet?serverPubKey=key": /serverPubKey names a key/,
  "user:secret@/valet?parsetime=true": /parsetime is not a parameter; known: .*parseTime/,
  "user:secret@/valet?max_connections=3": /max_connections is not a parameter/,
  "user:secret@/valet?timeout=5": /timeout is 5; a duration such as/,
  "user:secret@/valet?readTimeout=5s5": /readTimeout is 5s5/,
  "user:secret@/valet?compress=yes": /compress is yes; true or false/,
  "user:secret@/valet?maxAllowedPacket=1M": /maxAllowedPacket is 1M/,
  "user:secret@/valet?tls=custom": /tls is custom; true, false, skip-verify and preferred/,
  "user:secret@/valet?loc=%ZZ": /begins no URL-encoded character/,
  "mysql://user:secret%@db/valet": /begins no URL-encoded character/,
  "mysql://user:secret@db:port/valet": /db:port is no address/,
  "mysql://user:secret@db": /names no database/,
  "mysql://db/valet": /names no user/,
};

for (const [dsn, message] of Object.entries(refused)) {
  Deno.test(`parseMysqlDsn refuses ${dsn} and keeps the password to itself`, () => {
    assert.throws(() => parseMysqlDsn(dsn), (error: unknown) => {
      assert.ok(error instanceof ValetError);
      assert.equal(error.code, "invalid_config");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      assert.equal(error.cause, undefined);
      return true;
    });
  });
}

Deno.test("parseMysqlDsn turns on TLS for a CA, by any name, and refuses to turn it off", () => {
  for (const dsn of ["user:secret@/valet", "user:secret@/valet?tls=custom"]) {
    assert.deepEqual(parseMysqlDsn(dsn, "PEM"), { ...plain, tls: "verified", caPem: "PEM" });
  }
  assert.throws(() => parseMysqlDsn("user:secret@/valet?tls=false", "PEM"), {
    code: "invalid_config",
    message: /MYSQL_CA_PEM_FILE turns TLS on/,
  });
});
