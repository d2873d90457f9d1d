// Several processes of the wasm backend on fewer cores: workers come late, are left behind, and meet again.
import { TextLineStream, toText } from "@std/streams";
import type { Attack, Campaign } from "./campaign.ts";

const PROCESSES = 3;

/** Seconds without a word after which a process counts as hanging. */
const SILENT_SECONDS = 60;

export const contention: Campaign = {
  name: "contention",
  unit: "short programs",
  holds: `${PROCESSES} processes, each with a worker a core, go on and compute right`,
  goal: 10_000_000,
  run: async (attack: Attack) => {
    await Promise.all(Array.from({ length: PROCESSES }, (_, i) => follow(attack, i)));
  },
};

/** Starts a process and adds up what it has done, until the campaign ends. */
async function follow(attack: Attack, number: number): Promise<void> {
  const file = new URL("./short_programs.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--no-check", "--allow-read", file, String(navigator.hardwareConcurrency)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = toText(child.stderr);
  let heard = performance.now();
  const watch = setInterval(() => {
    const silent = (performance.now() - heard) / 1000;
    if (silent > SILENT_SECONDS) attack.fault(`process ${number} hangs: nothing for ${Math.round(silent)} seconds`);
    if (silent > SILENT_SECONDS || !isOn(attack)) child.kill("SIGKILL");
  }, 1000);
  try {
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      heard = performance.now();
      attack.tries += Number(line);
    }
    const { signal } = await child.status;
    if (signal === null) attack.fault(`process ${number} ended: ${(await errors).slice(0, 500)}`);
    else await errors;
  } finally {
    clearInterval(watch);
  }
  attack.signal.throwIfAborted();
}

function isOn(attack: Attack): boolean {
  return !attack.signal.aborted && attack.goesOn;
}
