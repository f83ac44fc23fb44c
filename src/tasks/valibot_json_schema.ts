// The JSON Schema of a schema of Valibot. Loaded by a worker that describes a task with one.

import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";

type SchemaContext = Parameters<NonNullable<ConversionConfig["overrideSchema"]>>[0];
type ActionContext = Parameters<NonNullable<ConversionConfig["overrideAction"]>>[0];
type Shown = JsonSchema & { [asClientsSend]?: JsonSchema; errorMessage?: Record<string, string> };

const target = "draft-2020-12";
/** Change what TypeScript knows of a value, not the value. */
const ignoreActions = ["brand", "flavor", "readonly"];
/** What a value was before the first action that changes it, which is what clients send. */
const asClientsSend = Symbol("as clients send");
/** The keyword of JSON Schema for an action whose messages are worth more than "does not match /^[^x]/". */
const keywordOfAction: Readonly<Record<string, string>> = {
  email: "format",
  ipv4: "format",
  ipv6: "format",
  regex: "pattern",
  url: "format",
  uuid: "format",
};

/** What clients send, and whether that says all that the schema checks. */
export function valibotJsonSchema(schema: GenericSchema): { schema: JsonSchema; isExact: boolean } {
  let isExact = isConvertible(schema);

  /**
   * Keeps what was checked before a change such as `trim`: what follows is about another value. Adds the messages of
   * the task, under the keyword that another validator (ajv-errors) has for them.
   */
  function overrideAction({ valibotAction: action, jsonSchema }: ActionContext): JsonSchema {
    const shown: Shown = jsonSchema;
    const before = shown[asClientsSend];
    if (before !== undefined) return { ...before, [asClientsSend]: before } as JsonSchema;
    if (action.kind === "transformation") return { ...shown, [asClientsSend]: shown } as JsonSchema;
    const { message, requirement } = action as { message?: unknown; requirement?: unknown };
    if (requirement instanceof RegExp && /[ims]/.test(requirement.flags)) {
      // A pattern has no flags: without them it refuses what the task takes.
      isExact = false;
      const { pattern, ...loose } = shown;
      return pattern === requirement.source ? loose : shown;
    }
    const keyword = keywordOfAction[action.type];
    if (keyword === undefined || typeof message !== "string") return shown;
    return { ...shown, errorMessage: { ...shown.errorMessage, [keyword]: message } } as JsonSchema;
  }

  function overrideSchema({ valibotSchema, jsonSchema }: SchemaContext): JsonSchema | undefined {
    // A default that a function makes is nobody's to show: it may come from the environment.
    if ("default" in valibotSchema && typeof valibotSchema.default === "function") {
      const { default: _hidden, ...shown } = jsonSchema;
      return shown;
    }
    // A value may fit several of the options.
    if (valibotSchema.type === "variant") {
      const { oneOf, ...shown } = jsonSchema;
      return { ...shown, anyOf: oneOf ?? [] };
    }
    if (!("entries" in valibotSchema)) return undefined;
    // With a fallback any value will do, and none.
    const loose = Object.entries(valibotSchema.entries as Record<string, object>)
      .filter(([, entry]) => "fallback" in entry).map(([name]) => name);
    if (loose.length === 0) return undefined;
    isExact = false;
    const { properties, required = [] } = jsonSchema;
    return {
      ...jsonSchema,
      properties: { ...properties, ...Object.fromEntries(loose.map((name) => [name, {}])) },
      required: required.filter((name) => !loose.includes(name)),
    };
  }

  const overrides = { ignoreActions, overrideAction, overrideSchema };
  const shown = toJsonSchema(schema, {
    ...overrides,
    target,
    typeMode: "input",
    errorMode: "ignore",
  });
  return { schema: shown, isExact };
}

/** Without `typeMode`, which leaves out what follows a transformation, each action must have a form. */
function isConvertible(schema: GenericSchema): boolean {
  try {
    toJsonSchema(schema, { target, ignoreActions, errorMode: "throw" });
    return true;
  } catch {
    return false;
  }
}
