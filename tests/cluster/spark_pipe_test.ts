// The words of a corpus counted under Spark's pipe, on a local cluster, give the merges of one run over all the text.
// Slow (it installs PySpark once, and starts a cluster), so it runs only when asked for: deno task test-cluster
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runTaskProcess } from "../harness/run_task.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SHAKESPEARE = `${ROOT}data/shakespeare.txt`;
const NUM_PARTITIONS = 7;

async function run(command: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd: ROOT }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { code: 127, stdout: "", stderr: `${command} is not installed` };
    throw error;
  }
}

/** The Python of a virtual environment with PySpark, made if it is not there; or why there is none. */
async function pythonWithSpark(): Promise<{ readonly python: string } | { readonly missing: string }> {
  for (const [command, flag] of [["python3", "--version"], ["java", "-version"]]) {
    const { code, stderr } = await run(command, flag);
    if (code !== 0) return { missing: stderr };
  }
  const venv = Deno.env.get("BYTELM_SPARK_VENV") ?? `${ROOT}out/spark-venv`;
  const python = `${venv}/bin/python`;
  if ((await run(python, "-c", "import pyspark")).code === 0) return { python };
  const made = await run("python3", "-m", "venv", venv);
  if (made.code !== 0) return { missing: `no virtual environment: ${made.stderr}` };
  const installed = await run(python, "-m", "pip", "install", "--quiet", "pyspark");
  return installed.code === 0 ? { python } : { missing: `PySpark cannot be installed: ${installed.stderr}` };
}

const isAskedFor = Deno.env.get("BYTELM_TEST_CLUSTER") === "1";
const spark = isAskedFor ? await pythonWithSpark() : { missing: "run it with: deno task test-cluster" };
if (isAskedFor && "missing" in spark) console.error(`Skipped: the test on a Spark cluster: ${spark.missing}`);

Deno.test({
  name: "a Spark cluster's counts, by pipe, give the merges of one run over all the text",
  ignore: "missing" in spark,
  async fn() {
    if ("missing" in spark) return;
    const dir = await Deno.makeTempDir();
    try {
      const documents = (await Deno.readTextFile(SHAKESPEARE)).match(/[^]{1,3000}/g)!;
      await Deno.writeTextFile(`${dir}/all.jsonl`, documents.map((text) => `${JSON.stringify({ text })}\n`).join(""));
      await Deno.mkdir(`${dir}/counts`);
      const count = [Deno.execPath(), "run", "--quiet", "--allow-read", "--allow-write", "--allow-env"];
      count.push(`${ROOT}tasks/count.ts`, "--stdin", "--field", "text", "--out", "-", "--base64");
      const script = [`${ROOT}tests/cluster/spark_pipe.py`, `${dir}/all.jsonl`, `${dir}/counts`, `${NUM_PARTITIONS}`];
      const job = await run(spark.python, ...script, ...count);
      assertEquals(job.code, 0, job.stderr);
      assertMatch(job.stdout, new RegExp(`^${NUM_PARTITIONS} partitions counted by 3 workers$`, "m"));
      const counts = Array.from(Deno.readDirSync(`${dir}/counts`), ({ name }) => `${dir}/counts/${name}`);
      assertEquals(counts.length, NUM_PARTITIONS);
      const train = async (out: string, ...args: string[]) => {
        const all = ["--vocab-size", "2000", "--out", `${dir}/${out}`, ...args];
        const { code, stderr } = await runTaskProcess("train-bpe", all);
        assertEquals(code, 0, stderr);
        return await Deno.readTextFile(`${dir}/${out}/tokenizer.json`);
      };
      const added = await train("added", "--counts", ...counts);
      assert(added === await train("whole", "--input", `${dir}/all.jsonl`), "the tokenizers differ");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
