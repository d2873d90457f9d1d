import type { CountedProgram } from "../../lib/accounting/program.ts";
import type { Program } from "../../lib/graph/program.ts";

/** All that some programs do and hold together. */
export function asOneProgram(programs: readonly Program[]): CountedProgram {
  return {
    calls: programs.flatMap(({ calls }) => calls),
    storages: [...new Set(programs.flatMap(({ storages }) => storages))],
    scratch: [...new Set(programs.flatMap(({ scratch }) => scratch))],
  };
}
