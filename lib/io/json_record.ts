// Objects of JSON whose fields are all known: each is read by its own reader, and any other is refused.
import type { JsonFields } from "./json_fields.ts";

/** How the field of a name is read; it throws where the value is of another kind. */
export type FieldReader<T> = (fields: JsonFields, name: string) => T;

/** How each field of an object is read. */
export type FieldReaders<T> = { readonly [K in keyof T]-?: FieldReader<Exclude<T[K], undefined>> };

/**
 * Reads the fields that are there.
 * @throws {UserError} Naming the first field that has no reader, or that its reader refuses.
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

/** One of some words. */
export function oneOf<const T extends string>(choices: readonly T[]): FieldReader<T> {
  return (fields, name) => fields.oneOf(name, choices);
}
