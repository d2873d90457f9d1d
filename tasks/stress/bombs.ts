// Texts that want more memory than there is: packed ones that unpack to gigabytes, words and lines without an end.
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Attack, Campaign } from "./campaign.ts";
import { type Ended, faultOfOutput, runChild, type TaskCommand } from "./child.ts";
import { inputCommands, INPUTS } from "./kill_jobs.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

const MEMORY_LIMIT = 2 ** 30;

/** Seconds after which a task is stopped as a person would stop it, and after which it is killed. */
const [PATIENCE, GRACE] = [300, 20];

const GB = 1e9;
const PIECE = 1e7;

/** How to write a bomb: so many bytes, made of a beginning, one byte over and over, and an end. */
interface Bomb {
  readonly file: string;
  readonly begin: string;
  readonly fill: string;
  readonly end: string;
  readonly bytes: number;
}

const BOMBS: readonly Bomb[] = [
  { file: "blanks.txt.gz", begin: "", fill: " ", end: "", bytes: 10 * GB },
  { file: "blanks.txt.zst", begin: "", fill: " ", end: "", bytes: 10 * GB },
  { file: "line.jsonl.gz", begin: '{"text":"', fill: "a", end: '"}\n', bytes: 10 * GB },
  { file: "word.txt", begin: "", fill: "a", end: "", bytes: GB },
  { file: "line.jsonl", begin: '{"text":"', fill: "a ", end: '"}\n', bytes: GB },
  { file: "newlines.txt", begin: "", fill: "\n", end: "", bytes: GB },
];

export const bombs: Campaign = {
  name: "bombs",
  unit: "texts that unpack or go on without end",
  holds: "read or refused in one line, within 1 GiB of memory",
  goal: 3 * BOMBS.length,
  run: async (attack: Attack) => {
    const inputs = attack.directory;
    await Deno.copyFile(TEXT, `${inputs}/${INPUTS.text}`);
    for (const command of inputCommands(inputs)) await runChild(command);
    for (const bomb of BOMBS) {
      if (!attack.goesOn) return;
      const path = `${inputs}/${bomb.file}`;
      await write(bomb, path);
      for (const command of commandsOn(path, inputs)) if (attack.goesOn) await attackTask(attack, command, bomb.file);
      await Deno.remove(path);
    }
  },
};

function commandsOn(path: string, inputs: string): TaskCommand[] {
  const tokenizer = `${inputs}/${INPUTS.tokenizer}`;
  const out = `${inputs}/out`;
  return [
    { task: "train_bpe", args: ["--input", path, "--vocab-size", "300", "--out", out, "--force"] },
    { task: "encode", args: ["--tokenizer", tokenizer, "--input", path, "--out", `${out}.npy`, "--force"] },
    { task: "count", args: ["--input", path, "--out", `${out}.counts`, "--force"] },
  ];
}

async function attackTask(attack: Attack, command: TaskCommand, file: string): Promise<void> {
  const ended = await runChild(command, {
    watchPeak: true,
    endings: [
      { signal: "SIGTERM", afterSeconds: PATIENCE },
      { signal: "SIGKILL", afterSeconds: PATIENCE + GRACE },
    ],
  });
  attack.tries++;
  const problem = faultOf(ended);
  if (problem !== undefined) attack.fault(`${command.task} of ${file}: ${problem}`);
  const most = "most MB of memory";
  attack.figures[most] = Math.max(attack.figures[most] ?? 0, Math.round(ended.peakBytes / 1e6));
}

function faultOf(ended: Ended): string | undefined {
  if (ended.peakBytes > MEMORY_LIMIT) return `${Math.round(ended.peakBytes / 1e6)} MB of memory`;
  if (ended.code === 143) return `not done after ${PATIENCE} seconds`;
  return faultOfOutput(ended);
}

/** Writes a bomb; a packed one as members or frames of one file, each of a piece. */
async function write({ file: name, begin, fill, end, bytes }: Bomb, path: string): Promise<void> {
  const pack = (text: string): Uint8Array => {
    const plain = new TextEncoder().encode(text);
    if (name.endsWith(".zst")) return zstdCompressSync(plain);
    return name.endsWith(".gz") ? gzipSync(plain) : plain;
  };
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const writeAll = async (part: Uint8Array) => {
    for (let done = 0; done < part.length;) done += await file.write(part.subarray(done));
  };
  const piece = pack(fill.repeat(PIECE / fill.length));
  await writeAll(pack(begin));
  for (let written = 0; written < bytes; written += PIECE) await writeAll(piece);
  await writeAll(pack(end));
}
