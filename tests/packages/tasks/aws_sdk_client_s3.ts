// Stores files in S3, lists them and reads one back.

import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";

/** What the bucket holds, the text of one file, and whether a missing one is told as such. */
export default async function storeFiles({ endpoint, accessKeyId, secretAccessKey, files }: {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  files: Record<string, string>;
}) {
  const client = new S3Client({
    endpoint,
    region: "eu-central-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    const Bucket = `bucket-${crypto.randomUUID()}`;
    for (const [Key, Body] of Object.entries(files)) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: "text/plain" }));
    }
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: "reports/" }),
    );
    const { Body, ContentType } = await client.send(
      new GetObjectCommand({ Bucket, Key: Contents[0]?.Key }),
    );
    const isMissing = await client.send(new GetObjectCommand({ Bucket, Key: "none" }))
      .then(() => false, (error) => error instanceof NoSuchKey);
    return {
      keys: Contents.map(({ Key, Size }) => `${Key} ${Size}`),
      text: await Body?.transformToString(),
      contentType: ContentType,
      isMissing,
    };
  } finally {
    client.destroy();
  }
}
