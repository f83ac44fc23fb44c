// Corrects the JSON Schema that Zod 4 makes of itself, which says more than the schema checks, and sometimes less.
// Zod is not imported: its schemas bring the function that makes it, which calls the one below for each part.

import type { StandardJSONSchemaV1 } from "@standard-schema/spec";

/** The part of a schema of Zod that matters here. */
interface ZodSchema {
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly coerce?: boolean;
      readonly in?: ZodSchema;
      readonly checks?: readonly { readonly _zod: { readonly def: ZodCheck } }[];
      readonly pattern?: RegExp;
    };
  };
}

interface ZodCheck {
  readonly check: string;
  readonly pattern?: RegExp;
}

/** Types that JSON has. */
const jsonTypes = [
  ...["any", "array", "boolean", "default", "enum", "intersection", "lazy", "literal", "never"],
  ...["nonoptional", "null", "nullable", "number", "object", "optional", "prefault", "readonly"],
  ...["record", "string", "template_literal", "tuple", "union", "unknown"],
];

/** What clients send, and whether that says all that the schema checks. */
export async function zodJsonSchema(
  toJsonSchema: (options: StandardJSONSchemaV1.Options) => unknown,
): Promise<{ schema: unknown; isExact: boolean }> {
  let isExact = true;
  /** Called with the JSON Schema of each part, to be changed in place. */
  const override = ({ zodSchema, jsonSchema }: {
    zodSchema: ZodSchema;
    jsonSchema: Record<string, unknown>;
  }) => {
    const { checks = [], coerce, in: input, pattern, type } = zodSchema._zod.def;
    const allChecks = checks.map(({ _zod }) => _zod.def);
    const isChanged = allChecks.some(({ check }) => check === "overwrite");
    const isAnything = coerce === true || type === "catch" ||
      type === "pipe" && input?._zod.def.type === "transform";
    const patterns = [pattern, ...allChecks.map((check) => check.pattern)];
    const hasFlags = patterns.some((regExp) => regExp !== undefined && /[ims]/.test(regExp.flags));
    if (isAnything) keep(jsonSchema, []);
    // What is checked after `trim` is not what clients send.
    else if (isChanged) keep(jsonSchema, ["type"]);
    else if (hasFlags) delete jsonSchema.pattern, delete jsonSchema.allOf;
    const isCustom = allChecks.some(({ check }) => check === "custom");
    if (isAnything || isChanged || hasFlags || isCustom || !jsonTypes.includes(type)) {
      isExact = false;
    }
  };
  const libraryOptions = { override, unrepresentable: "any" };
  const schema = await toJsonSchema({ target: "draft-2020-12", libraryOptions });
  return { schema, isExact };
}

function keep(schema: Record<string, unknown>, names: readonly string[]): void {
  for (const name of Object.keys(schema)) if (!names.includes(name)) delete schema[name];
}
