// The task as deno.json declares it: how it starts, what it refuses, how it ends.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { main as serve } from "../../tasks/serve.ts";
import { main as bench } from "../../tasks/bench.ts";
import { capture } from "../cli/capture.ts";
import { taskCommand } from "../harness/run_task.ts";
import { post, writeRun } from "./served.ts";

/** The server's first lines, as soon as it printed that many. */
async function linesOf(stdout: ReadableStream<Uint8Array>, count: number): Promise<string[]> {
  let text = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length > count) break;
  }
  return text.split("\n").slice(0, count);
}

Deno.test("serve answers with the permissions that deno.json declares, and ends by Ctrl-C in good order", async (t) => {
  const parent = await Deno.makeTempDir();
  const run = `${parent}/my-model`;
  await Deno.mkdir(run);
  await writeRun(run);
  try {
    const args = ["--run", run, "--port", "0", "--backend", "wasm", "--host", "127.0.0.1", "--chat-template", "chatml"];
    const child = taskCommand("serve", args, { stdin: "null" }).spawn();
    const [url, key] = await linesOf(child.stdout, 2);
    const authorization = `Bearer ${/^API key: ([0-9a-f]{32})$/.exec(key)![1]}`;
    assertMatch(url, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    const models = await (await fetch(`${url}/models`, { headers: { authorization } })).json();
    assertEquals(models.data[0].id, "my-model");
    const refused = await fetch(`${url}/models`);
    assertEquals(refused.status, 401);
    await refused.body?.cancel();

    await t.step("an answer in progress is still completed", async () => {
      const body = { messages: [{ role: "user", content: "the cat" }], max_tokens: 40, stream: true, seed: 1 };
      const response = await post(`${url}/chat/completions`, body, { headers: { authorization } });
      child.kill("SIGINT");
      assert((await response.text()).endsWith("data: [DONE]\n\n"));
    });
    const stderr = await new Response(child.stderr).text();
    assertEquals((await child.status).code, 0, stderr);
    assertEquals(stderr, "The connection is not encrypted: use it only on networks you trust\n");
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

Deno.test("serve refuses what it cannot start with", async () => {
  const run = await Deno.makeTempDir();
  await writeRun(run);
  try {
    const common = ["--run", run, "--port", "0", "--backend", "wasm"];
    for (
      const [args, code, problem] of [
        [[], 2, /--run is required/],
        [["--run", `${run}/absent`], 1, /there is no such directory/],
        [[...common, "--host", "example"], 2, /must be an IP address/],
        [[...common, "--api-key", "a key"], 2, /--api-key/],
        [[...common, "--slots", "13"], 2, /--slots 13, must be a whole number from 1 to 12/],
        [[...common, "--chat-template", "none"], 1, /chat template none: got no such file/],
      ] as const
    ) {
      const result = await capture(serve, ...args);
      assertEquals([result.code, result.stdout], [code, ""], result.stderr);
      assertMatch(result.stderr, problem);
    }
  } finally {
    await Deno.remove(run, { recursive: true });
  }
});

Deno.test("bench serve loses no request", async () => {
  const args = ["--shapes", "trial", "--requests", "40", "--max-tokens", "3", "--at-once", "20", "--backend", "wasm"];
  const { code, stdout, stderr } = await capture(bench, "serve", ...args, "--slots", "2", "--json");
  assertEquals(code, 0, stderr);
  const { results } = JSON.parse(stdout);
  assertEquals(
    results.map(({ requests, atOnce, lost }: Record<string, number>) => [requests, atOnce, lost]),
    [[4, 1, 0], [4, 2, 0], [40, 20, 0]],
  );
  for (const { p50, p99, tokensPerSecond } of results) assert(p50 > 0 && p99 >= p50 && tokensPerSecond > 0);
});
