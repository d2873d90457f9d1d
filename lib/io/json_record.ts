// JSON objects whose fields are all known: each has its own reader, and any other is refused.
import type { JsonFields } from "./json_fields.ts";

/** Reads the field of a name; throws if the value is of the wrong kind. */
export type FieldReader<T> = (fields: JsonFields, name: string) => T;

/** How each field of an object is read. */
export type FieldReaders<T> = { readonly [K in keyof T]-?: FieldReader<Exclude<T[K], undefined>> };

/**
 * Reads the fields that are present.
 * @throws {UserError} If a field has no reader, or its reader refuses it, naming the first one.
 */
export function readFields<T>(fields: JsonFields, readers: FieldReaders<T>): Partial<T> {
  const names = Object.keys(readers) as (keyof T & string)[];
  fields.allowOnly(names);
  const read: Partial<T> = {};
  for (const name of names) if (fields.has(name)) read[name] = readers[name](fields, name);
  return read;
}

/** A whole number. */
export const integer: FieldReader<number> = (fields, name) => fields.integer(name);

/** A finite number. */
export const number: FieldReader<number> = (fields, name) => fields.number(name);

export const string: FieldReader<string> = (fields, name) => fields.string(name);

export const boolean: FieldReader<boolean> = (fields, name) => fields.boolean(name);

/** One of several words. */
export function oneOf<const T extends string>(choices: readonly T[]): FieldReader<T> {
  return (fields, name) => fields.oneOf(name, choices);
}
