// A plain channel to RabbitMQ, past the driver: for what other programs may do to a queue.

import { type Channel, connect } from "amqplib";

/** Runs `use` with a channel of its own connection. */
export async function withChannel<T>(
  uri: string,
  use: (channel: Channel) => Promise<T>,
): Promise<T> {
  const connection = await connect(uri);
  try {
    const channel = await connection.createChannel();
    const result = await use(channel);
    await channel.close();
    return result;
  } finally {
    await connection.close();
  }
}
