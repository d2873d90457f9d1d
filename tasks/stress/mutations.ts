// Files of every kind that is read, damaged: each is read all the same, or refused in one line.
import { describeError } from "../cli/errors.ts";
import type { Attack, Campaign } from "./campaign.ts";
import { faultOfOutput } from "./child.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { makeSamples, type Sample } from "./samples.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

/** Reading a file of a few kilobytes may take so long, on a machine that does much else. */
const MAX_SECONDS = 10;

/** Memory that the process may hold: a damaged number must not be taken for a size. */
const MAX_BYTES = 2 ** 30;

export const mutations: Campaign = {
  name: "mutations",
  unit: "damaged files",
  holds: "read, or refused in one line; quickly, and within 1 GiB",
  goal: 100_000,
  run: async (attack: Attack) => {
    const samples = await makeSamples(attack.directory, await Deno.readFile(TEXT));
    const sound = new Map<Sample, Uint8Array<ArrayBuffer>>();
    for (const sample of samples) {
      sound.set(sample, await Deno.readFile(sample.path));
      await sample.read();
    }
    while (attack.goesOn) {
      const sample = samples[attack.tries++ % samples.length];
      const bytes = sound.get(sample)!;
      await attackSample(attack, sample, bytes);
      await Deno.writeFile(sample.path, bytes);
    }
  },
};

async function attackSample(attack: Attack, sample: Sample, sound: Uint8Array<ArrayBuffer>): Promise<void> {
  const { random } = attack;
  const mutate = sample.isJson && random.below(3) > 0 ? mutateJson : mutateBytes;
  let damaged = mutate(sound, random);
  if (sample.reseal && random.below(2) === 0) damaged = sample.reseal(damaged);
  await Deno.writeFile(sample.path, damaged);
  const started = performance.now();
  const stderr = await sample.read().then(() => undefined, describeError);
  const seconds = (performance.now() - started) / 1000;
  const problem = faultOf(stderr) ?? (seconds > MAX_SECONDS ? `it took ${seconds.toFixed(0)} seconds` : undefined);
  if (problem !== undefined) attack.fault(`${sample.kind}, try ${attack.tries}: ${problem}`);
  const { rss } = Deno.memoryUsage();
  if (rss > MAX_BYTES) attack.fault(`${sample.kind}, try ${attack.tries}: ${Math.round(rss / 1e6)} MB of memory`);
}

function faultOf(stderr: string | undefined): string | undefined {
  if (stderr === undefined) return undefined;
  if (stderr.includes("\n") && !/^\s+at /m.test(stderr)) return `several lines: ${stderr.slice(0, 300)}`;
  return faultOfOutput({ code: 1, signal: null, stderr });
}
