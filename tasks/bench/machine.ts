// What a measurement was made on: a number without it says nothing.
import { cpus } from "node:os";
import type { Backend } from "../../lib/backend/backend.ts";

/** The machine and the versions behind a measurement. */
export interface Machine {
  /** The processor's own name for itself, and the number of cores that this process may use. */
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly deno: string;
  readonly v8: string;
  /** The backend's name and, in words, its adapter or workers; absent where none takes part. */
  readonly backend?: string;
  /** ISO 8601. */
  readonly date: string;
}

/** Describes this machine. */
export function describeMachine(backend?: Backend): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: navigator.hardwareConcurrency,
    os: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    ...(backend && { backend: `${backend.name}: ${backend.description}` }),
    date: new Date().toISOString(),
  };
}

/** The machine in one line. */
export function formatMachine({ cpu, cores, os, deno, v8, backend }: Machine): string {
  return `${cpu}, ${cores} cores, ${os}; Deno ${deno}, V8 ${v8}${backend ? `; ${backend}` : ""}`;
}
