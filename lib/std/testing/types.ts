// A stand-in for the part of jsr:@std/testing/types that this project uses. Same names, same signatures, same results.

/** Does nothing: the compiler refuses `false` where `T` is `true`, and the other way round. */
export function assertType<T extends boolean>(_expectTrue: T): void {}

/** Whether the two types are the same. `any` is only the same as `any`, and an optional property not as a required one. */
export type IsExact<T, U> = Same<FlatType<T>, FlatType<U>>;

/** Two conditional types on an unknown `X` are only assignable if what they test for is identical. */
type Same<T, U> = (<X>(_: T) => X extends T ? 1 : 2) extends (<X>(_: U) => X extends U ? 1 : 2) ? true : false;

/** An intersection of objects as the one object that it is. */
type FlatType<T> = IsAny<T> extends true ? T
  : T extends Record<PropertyKey, unknown> ? { [K in keyof T]: FlatType<T[K]> }
  : T;

type IsAny<T> = 0 extends (1 & T) ? true : false;
