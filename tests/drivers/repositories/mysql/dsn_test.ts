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
  "mariadb://user:secret@db/valet?tls=true": { host: "db", tls: "verified" },
  "MySQL://user:p%40ss!$&'()*+,;=~._-^{}|@db/valet": {
    host: "db",
    password: "p@ss!$&'()*+,;=~._-^{}|",
  },
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
  "user:secret@udp(db)/valet": /no address; tcp\(host:3306\) or unix/,
  "user:secret@db/valet": /no address; tcp\(host:3306\)/,
  "user://secret@udp/valet": /begins with a scheme other than/,
  "postgres://user:secret@db/valet": /a scheme other than mysql:\/\/ .* or mysql:\/\//,
  "postgres://user:secret@db:5432/valet": /begins with a scheme other than/,
  "jdbc:mysql://user:secret@db:3306/valet": /begins with a scheme other than/,
  "postgres://user:secret@db": /an @ after its last slash/,
  "user:secret@tcp(db/valet": /no address; tcp\(host:3306\)/,
  "user:secret@tcp(db:0)/valet": /no address where one must be; host, host:port/,
  "user:secret@tcp(db:99999)/valet": /no address where one must be/,
  "user:secret@tcp(::1)/valet": /no address where .*\[IPv6 address\]/,
  "user:secret/x@tcp(db)": /an @ after its last slash/,
  "user:x/secret?secret@tcp(db)": /an @ after its last slash/,
  "user:x@secret(9)/rd": /no address; tcp/,
  "user:secret@tcp(db)/valet?loc=Europe/Paris": /a \/ in a parameter is written %2F/,
  '"user:secret@tcp(db)/valet"': /it stands in quotes; write it without them/,
  "'mysql://user:secret@db/valet'": /it stands in quotes/,
  "MYSQL_DSN=user:secret@tcp(db)/valet": /it begins with its own name; write the value alone/,
  "user:secret@tcp(db)/valet\nuser:secret@tcp(db)/valet": /it has more than one line/,
  "user:secret@/valet?allowAllFiles=true": /allowAllFiles is true: Valet cannot do that/,
  "user:secret@/valet?allowOldPasswords=1": /allowOldPasswords is 1/,
  "user:secret@/valet?serverPubKey=key": /serverPubKey names a key/,
  "user:secret@/valet?parsetime=true": /"parsetime" is not a parameter; known: .*parseTime/,
  "user:secret@/valet?max_connections=3": /"max_connections" is not a parameter/,
  "user:secret@/valet?timeout=5": /timeout is 5; a duration such as/,
  "user:secret@/valet?readTimeout=5s5": /readTimeout is 5s5/,
  "user:secret@/valet?compress=yes": /compress is yes; true or false/,
  "user:secret@/valet?maxAllowedPacket=1M": /maxAllowedPacket is 1M/,
  "user:secret@/valet?tls=custom": /tls is custom; true, false, skip-verify and preferred/,
  "user:secret@/valet?loc=%ZZ": /begins no percent-encoded character; write a % as %25/,
  "mysql://user:secret%@db/valet": /begins no percent-encoded character/,
  "mysql://user:secret@db:port/valet": /no address where one must be/,
  "mysql://user:secret@db,other/valet": /it names several hosts; one is allowed/,
  "mysql://user:secret@x@db/valet": /more than one way: .* such as %40 for @/,
  "mysql://user:1/secret@db/valet": /can be read in more than one way/,
  "mysql://user:1?secret@db/valet": /can be read in more than one way/,
  "mysql://user:1#secret@db/valet": /can be read in more than one way/,
  "mysql://user:1:secret@db/valet": /can be read in more than one way/,
  "mysql://user:1[secret@db/valet": /can be read in more than one way/,
  "mysql://user:1 secret@db/valet": /can be read in more than one way/,
  "mysql://user:secret@db/valet#x": /can be read in more than one way/,
  "mysql://user:secret@db/valet?ssl-mode=REQUIRED": /"ssl-mode" is not a parameter; known: .*tls/,
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
