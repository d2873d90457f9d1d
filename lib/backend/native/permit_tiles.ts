import { C_LIBRARY, openLibrary } from "./system_library.ts";

/** Linux's arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), on x86-64. */
const ARCH_PRCTL = 158;
const REQUEST_PERMISSION = 0x1023;
const TILES = 18;

/**
 * Asks the system to let all threads of this process use AMX's tiles, for good: they make what it saves of a thread larger.
 * Only Linux is asked.
 * @returns Whether it does.
 */
export function permitTiles(): boolean {
  return isPermitted ??= Deno.build.os === "linux" && request() === 0n;
}

/** What the system said. */
let isPermitted: boolean | undefined;

function request(): bigint {
  const { syscall } = openLibrary(C_LIBRARY.linux, {
    syscall: { parameters: ["i64", "i64", "i64"], result: "i64" },
  });
  return syscall(BigInt(ARCH_PRCTL), BigInt(REQUEST_PERMISSION), BigInt(TILES));
}
