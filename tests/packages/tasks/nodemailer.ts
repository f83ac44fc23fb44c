// Sends a mail with an attachment over SMTP.

import { connect } from "node:net";
import nodemailer from "nodemailer";

/** What the server said of the mail. */
export default async function sendMail({ host, port, user, password, to }: {
  host: string;
  port: number;
  user: string;
  password: string;
  to: string;
}) {
  const transport = nodemailer.createTransport({
    host,
    port,
    auth: { user, pass: password },
    ignoreTLS: true,
    // Deno lets a task connect to a name in its permissions, not to the address that nodemailer finds for it.
    getSocket({ host, port }, callback) {
      const connection = connect(Number(port), host);
      connection.once("error", callback);
      connection.once("connect", () => callback(null, { connection }));
    },
  });
  try {
    const { accepted, response } = await transport.sendMail({
      from: '"Valet" <valet@example.com>',
      to,
      subject: "Gr\u00fc\u00dfe",
      text: "The report is attached.",
      attachments: [{ filename: "report.csv", content: "a,b\n1,2\n" }],
    });
    return { accepted, response };
  } finally {
    transport.close();
  }
}
