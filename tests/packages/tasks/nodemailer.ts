// Sends a mail with an attachment over SMTP.

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
