// A stand-in for the part of jsr:@std/assert that this project uses. Same names, same signatures.
import { deepStrictEqual } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";

/** Thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** A class of errors, abstract ones included. */
type ErrorConstructor<E extends Error> = abstract new (...args: never[]) => E;

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that the two are deeply equal; NaN equals NaN. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!isDeepStrictEqual(actual, expected)) throw new AssertionError(`${difference(actual, expected)}${suffix(msg)}`);
}

/** Asserts that `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError(`Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}${suffix(msg)}`);
  }
}

/** Asserts that `fn` throws an error of the class given, with the text given in its message, and returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E {
  try {
    fn();
  } catch (error) {
    return assertIsError(error, ErrorClass, msgIncludes, msg);
  }
  throw new AssertionError(`Expected function to throw${suffix(msg)}`);
}

/**
 * Asserts that the promise from `fn` rejects with an error of the class given, with the text given in its message, and
 * returns the error. An error thrown before there is a promise does not count.
 */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`);
  }
  try {
    await promise;
  } catch (error) {
    return assertIsError(error, ErrorClass, msgIncludes, msg);
  }
  throw new AssertionError(`Expected function to reject${suffix(msg)}`);
}

function assertIsError<E extends Error>(
  error: unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes = "",
  msg?: string,
): E {
  if (!(error instanceof ErrorClass)) {
    const got = error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
    throw new AssertionError(`Expected error to be instance of ${ErrorClass.name}, but was ${got}${suffix(msg)}`);
  }
  assertStringIncludes(error.message, msgIncludes, msg);
  return error;
}

/** Values of more characters are shown from their beginning: to find where they differ takes quadratic time. */
const LONGEST = 5000;

function difference(actual: unknown, expected: unknown): string {
  const limits = { depth: 10, maxStringLength: LONGEST, maxArrayLength: LONGEST };
  const [a, b] = [actual, expected].map((value) => inspect(value, limits));
  if (a.length <= LONGEST && b.length <= LONGEST) {
    try {
      deepStrictEqual(actual, expected);
    } catch (error) {
      if (error instanceof Error) return error.message;
    }
  }
  return `Values are not equal: got ${a.slice(0, LONGEST)}, expected ${b.slice(0, LONGEST)}`;
}

function suffix(msg?: string): string {
  return msg === undefined ? "" : `: ${msg}`;
}

/** Asserts that `actual` matches the regular expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(msg ?? `Expected actual: "${actual}" to match: "${expected}".`);
}
