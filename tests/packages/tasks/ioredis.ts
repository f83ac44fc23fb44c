// Counts points in a sorted set of Redis and hears of the best one over a second connection.

import { Redis } from "ioredis";

/** The names by their points, and what was published. */
export default async function rank({ host, port, points }: {
  host: string;
  port: number;
  points: Record<string, number>;
}) {
  // Fewer retries than 20: where Redis is away, the job fails soon.
  const redis = new Redis({ host, port, maxRetriesPerRequest: 1 });
  const subscriber = redis.duplicate();
  try {
    const key = `points:${crypto.randomUUID()}`;
    const heard = new Promise<string>((resolve) =>
      subscriber.on("message", (_, text) => resolve(text))
    );
    await subscriber.subscribe(key);
    const transaction = redis.multi().expire(key, 60);
    for (const [name, count] of Object.entries(points)) transaction.zincrby(key, count, name);
    await transaction.exec();
    const ranked = await redis.zrevrange(key, 0, -1);
    await redis.publish(key, ranked[0]!);
    return { ranked, heard: await heard, removed: await redis.del(key) };
  } finally {
    redis.disconnect();
    subscriber.disconnect();
  }
}
