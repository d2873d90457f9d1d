// Tasks are killed at random moments; then the same command is to find the old or the new, and to come to the same end.
import { sha256OfFile } from "../../lib/io/sha256.ts";
import type { Attack, Campaign } from "./campaign.ts";
import { faultOfOutput, runChild } from "./child.ts";
import { inputCommands, INPUTS, type KillJob, killJobs } from "./kill_jobs.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

/** Before the last, complete start a job is killed so many times at most. */
const MAX_KILLS = 2;

export const kills: Campaign = {
  name: "kills",
  unit: "SIGKILLs",
  holds: "what has its name is whole, and the next start ends with the same bits and leaves nothing behind",
  goal: 300,
  run: async (attack: Attack) => {
    const inputs = `${attack.directory}/inputs`;
    await Deno.mkdir(inputs);
    await Deno.copyFile(TEXT, `${inputs}/${INPUTS.text}`);
    for (const command of inputCommands(inputs)) {
      const { code, stderr } = await runChild(command);
      if (code !== 0) throw new Error(`Cannot make the inputs: ${command.task} ended with ${code}: ${stderr}`);
    }
    const references = [];
    for (const job of killJobs(inputs)) references.push(await referenceOf(job, attack.directory));
    for (let i = 0; attack.goesOn; i++) await attackJob(attack, references[i % references.length]);
  },
};

/** A job, and what it produces if it is not killed. */
interface Reference {
  readonly job: KillJob;
  readonly sums: ReadonlyMap<string, string>;
  readonly seconds: number;
}

async function referenceOf(job: KillJob, directory: string): Promise<Reference> {
  const out = await freshDirectory(`${directory}/reference`);
  const { code, stderr, seconds } = await runChild(job.start(out));
  if (code !== 0) throw new Error(`Cannot make the reference of ${job.name}: exit code ${code}: ${stderr}`);
  const sums = new Map<string, string>();
  for (const name of job.results) sums.set(name, await sha256OfFile(`${out}/${name}`));
  return { job, sums, seconds };
}

async function attackJob(attack: Attack, { job, sums, seconds }: Reference): Promise<void> {
  const out = await freshDirectory(`${attack.directory}/killed`);
  const told = (what: string) => `${job.name}, seed's kill ${attack.tries}: ${what}`;
  let command = job.start(out);
  for (let kill = 0; kill <= attack.random.below(MAX_KILLS); kill++) {
    const afterSeconds = attack.random.next() * seconds * 1.1;
    await runChild(command, { endings: [{ signal: "SIGKILL", afterSeconds }] });
    attack.tries++;
    if (job.isWholeOrAbsent) {
      for (const [name, sum] of sums) {
        const found = await sumOrNone(`${out}/${name}`);
        if (found !== undefined && found !== sum) attack.fault(told(`${name} has its name and is not whole`));
      }
    }
    command = await job.goOn?.(out) ?? job.start(out);
  }
  const ended = await runChild(command);
  const problem = faultOfOutput(ended) ?? (ended.code === 0 ? undefined : `exit code ${ended.code}: ${ended.stderr}`);
  if (problem !== undefined) attack.fault(told(`the next start fails: ${problem.slice(-500)}`));
  for (const [name, sum] of sums) {
    if (await sumOrNone(`${out}/${name}`) !== sum) {
      attack.fault(told(`${name} differs from that of an undisturbed run`));
    }
  }
  for await (const path of temporariesBelow(out)) attack.fault(told(`${path.slice(out.length + 1)} was left behind`));
}

async function freshDirectory(path: string): Promise<string> {
  await Deno.remove(path, { recursive: true }).catch(ignoreNotFound);
  await Deno.mkdir(path, { recursive: true });
  return path;
}

async function sumOrNone(path: string): Promise<string | undefined> {
  return await sha256OfFile(path).catch(ignoreNotFound);
}

async function* temporariesBelow(directory: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (/\.(tmp|old|replaced|part|unpacked)$/.test(name)) yield path;
    if (isDirectory) yield* temporariesBelow(path);
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
}
