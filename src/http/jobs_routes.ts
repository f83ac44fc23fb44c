// The routes of jobs and their results: read the request, call the service, write the answer.

import type { JobService } from "../jobs/service.ts";
import { whenReady } from "../maybe_promise.ts";
import { noContent, type Route } from "./answer.ts";
import { jobJson, resultJson } from "./job_json.ts";
import { createJobList } from "./job_list.ts";
import { readQuery } from "./query.ts";
import type { UseBody } from "./request_body.ts";

/** What the routes of jobs work with. */
export interface JobsRoutesOptions {
  readonly service: JobService;
  /** The milliseconds of one unit of `timeout`. */
  readonly unitMs: number;
  readonly useBody: UseBody;
}

/** The routes below `/jobs`. */
export function jobsRoutes({ service, unitMs, useBody }: JobsRoutesOptions): readonly Route[] {
  const answerList = createJobList(service, unitMs);
  return [
    {
      method: "POST",
      path: "/jobs",
      handle: (context, mount, requestId) =>
        useBody(context, async ({ value, changedNumbers }) => {
          const job = await service.create(value, changedNumbers, requestId);
          const headers = { location: `${mount}/jobs/${job.id}` };
          return { status: 202, json: jobJson(job, unitMs), headers };
        }),
    },
    {
      method: "GET",
      path: "/jobs",
      query: "read",
      handle: async ({ req }) => await answerList(readQuery(req.raw)),
    },
    {
      method: "GET",
      path: "/jobs/:id",
      handle: ({ req }) =>
        whenReady(service.get(req.param("id")!), (job) => {
          return { status: 200, json: jobJson(job, unitMs) };
        }),
    },
    {
      method: "PATCH",
      path: "/jobs/:id",
      handle: (context) =>
        useBody(context, async ({ value }) => {
          await service.update(context.req.param("id")!, value);
          return noContent;
        }),
    },
    {
      method: "DELETE",
      path: "/jobs/:id",
      handle: async ({ req }) => {
        await service.delete(req.param("id")!);
        return noContent;
      },
    },
    {
      method: "GET",
      path: "/jobs/:id/results",
      handle: ({ req }) =>
        whenReady(service.getResult(req.param("id")!), (result) => {
          return { status: 200, json: resultJson(result) };
        }),
    },
    {
      method: "DELETE",
      path: "/jobs/:id/results",
      handle: async ({ req }) => {
        await service.deleteResult(req.param("id")!);
        return noContent;
      },
    },
  ];
}
