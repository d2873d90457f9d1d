// PyTorch beside the project: a process that takes steps when it is told to, so that the two can take turns.
import { TextLineStream } from "@std/streams";
import { fileURLToPath } from "node:url";
import { UserError } from "../../lib/errors.ts";
import { isFileSystemError } from "../cli/file_system_errors.ts";
import { shown } from "../cli/shown.ts";
import type { LmShape } from "./lm_shapes.ts";

const SCRIPT = fileURLToPath(new URL("../../tests/bench/torch_lm.py", import.meta.url));

/**
 * Finds out whether --torch names a Python that has torch, before anything is measured.
 * @throws {UserError} If it does not.
 */
export async function requireTorch(python: string | undefined): Promise<void> {
  if (python === undefined) return;
  const fail = (got: string): never => {
    throw new UserError(
      `Cannot compare with PyTorch: got ${got} from --torch ${shown(python)}, must be a Python that has torch. ` +
        "Name one, or leave --torch out",
    );
  };
  try {
    const { success } = await new Deno.Command(python, {
      args: ["-c", "import torch"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (!success) fail("no torch");
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    fail("no program");
  }
}

/** A PyTorch process with one model. */
export class TorchTrainer implements AsyncDisposable {
  /** Versions, as the script tells them. */
  readonly about: string;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  private constructor(process: Deno.ChildProcess, lines: ReadableStreamDefaultReader<string>, about: string) {
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#lines = lines;
    this.about = about;
  }

  /**
   * Starts the process and builds the model.
   * @throws {UserError} If PyTorch does not run.
   */
  static async start(python: string, device: string, { config, batchSize }: LmShape): Promise<TorchTrainer> {
    const { vocabSize, contextLength, dModel, numLayers, numHeads, dFf } = config;
    const sizes = [vocabSize, contextLength, dModel, numLayers, numHeads, dFf, batchSize].map(String);
    const process = new Deno.Command(python, {
      args: [SCRIPT, device, ...sizes],
      // No compiled modules are left.
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    const { value } = await lines.read();
    if (value === undefined) {
      throw new UserError(
        `Cannot compare with PyTorch: got no answer from ${python}, must be a Python that has torch. ` +
          "Name one with --torch",
      );
    }
    const { torch, threads } = JSON.parse(value) as { torch: string; threads: number };
    return new TorchTrainer(process, lines, `PyTorch ${torch} on ${device}, ${threads} threads`);
  }

  /** Takes steps; returns the seconds they took. */
  async steps(count: number): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${count}\n`));
    const { value } = await this.#lines.read();
    const seconds = Number(value);
    if (!(seconds > 0)) throw new Error(`Cannot compare with PyTorch: got "${value}", must be a number of seconds`);
    return seconds;
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#process.status;
  }
}
