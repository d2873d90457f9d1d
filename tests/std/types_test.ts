import { assertType, type IsExact } from "@std/testing/types";

Deno.test("IsExact tells types apart that are assignable to each other", () => {
  assertType<IsExact<{ a: 1 } & { b: string[] }, { a: 1; b: string[] }>>(true);
  assertType<IsExact<1 | 2, 2 | 1>>(true);
  assertType<IsExact<{ a?: number }, { a: number | undefined }>>(false);
  assertType<IsExact<number, 1>>(false);
  assertType<IsExact<unknown, never>>(false);
  assertType<IsExact<Uint8Array, Uint8Array<ArrayBuffer>>>(false);
  assertType<IsExact<(a: string) => void, (a: "x") => void>>(false);
  // deno-lint-ignore no-explicit-any
  type Any = any;
  assertType<IsExact<Any, Any>>(true);
  assertType<IsExact<Any, unknown>>(false);
  assertType<IsExact<{ a: Any }, { a: string }>>(false);
  // @ts-expect-error: a wrong type is refused
  assertType<IsExact<number, string>>(true);
});
