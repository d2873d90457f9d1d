// A stand-in for the part of jsr:@std/assert that this project uses. Same names, same signatures.
import { AssertionError as NodeAssertionError, deepStrictEqual } from "node:assert";

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
  compare(() => deepStrictEqual(actual, expected), msg);
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

function compare(check: () => void, msg?: string): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof NodeAssertionError)) throw error;
    throw new AssertionError(`${error.message}${suffix(msg)}`);
  }
}

function suffix(msg?: string): string {
  return msg === undefined ? "" : `: ${msg}`;
}

/** Asserts that `actual` matches the regular expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(msg ?? `Expected actual: "${actual}" to match: "${expected}".`);
}
