import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256 } from "../../lib/io/sha256.ts";
import { lineOf } from "../../lib/train/metrics_line.ts";
import { main as dashboard } from "../../tasks/dashboard.ts";
import { dashboardHandler } from "../../tasks/dashboard/handler.ts";
import { main as report } from "../../tasks/report.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { CONFIG, linesOf, makeRun, metricsOf } from "./runs.ts";

async function withRun(body: (dir: string, run: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await makeRun(`${dir}/run`, metricsOf(40, { samples: true }));
    await body(dir, `${dir}/run`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("report and dashboard print their help, and refuse a command line that means nothing", async () => {
  for (const [name, main] of [["report", report], ["dashboard", dashboard]] as const) {
    const help = await capture(main, "--help");
    assertEquals(help.code, 0);
    assertStringIncludes(help.stdout, `deno task ${name} --run RUN`);
    for (
      const [args, problem] of [
        [[], "got no --run"],
        [["--run"], "--run without a value"],
        [["--runs", "x"], "unknown argument --runs"],
        [["--run", "x", "y"], "unknown argument y"],
      ] as const
    ) {
      const { code, stdout, stderr } = await capture(main, ...args);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, new RegExp(`^error: Cannot run ${name}: got .*${problem.replace("got ", "")}.*\n$`));
    }
  }
});

Deno.test("report writes into the run, or where it is told, and replaces a file only by --force", async () => {
  await withRun(async (dir, run) => {
    const inRun = await capture(report, "--run", run);
    assertEquals([inRun.code, inRun.stdout], [0, `Written to ${run}/report.html\n`], inRun.stderr);
    const again = await capture(report, "--run", run);
    assertEquals(again.code, 0, again.stderr);

    const out = `${dir}/out.html`;
    const args = ["--run", run, "--run", run, "--out", out];
    assertEquals((await capture(report, ...args)).code, 0);
    await Deno.writeTextFile(out, "mine");
    const refused = await capture(report, ...args);
    assertEquals([refused.code, refused.stderr.split(":")[1]], [1, ` Cannot write ${out}`]);
    assertEquals(await Deno.readTextFile(out), "mine");
    assertEquals((await capture(report, ...args, "--force")).code, 0);
    assertStringIncludes(await Deno.readTextFile(out), "40 of 120 steps");
  });
});

Deno.test("a training that diverges leaves its report too", async () => {
  await withRun(async (dir) => {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const model = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
    const training = "--steps 20 --batch-size 2 --optimizer sgd --lr 1e38 --clip 1e30 --backend wasm".split(" ");
    const { code, stderr } = await capture(
      trainLm,
      ...["--train", `${dir}/ids.npy`, "--out", `${dir}/diverged`, ...model, ...training],
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Cannot go on training");
    assertMatch(await Deno.readTextFile(`${dir}/diverged/report.html`), /\d of 20 steps/);
  });
});

Deno.test("report says which run it cannot read, and leaves nothing behind", async () => {
  await withRun(async (dir, run) => {
    await Deno.mkdir(`${dir}/empty`);
    const before = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
    for (
      const [args, code, problem] of [
        [["--run", run, "--run", run], 2, "Cannot report on 2 runs: got no --out"],
        [["--run", `${dir}/absent`], 1, `Cannot read ${dir}/absent: got no such directory`],
        [["--run", `${run}/config.json`], 1, `Cannot read ${run}/config.json: got a file`],
        [["--run", `${dir}/empty`], 1, `Cannot open run ${dir}/empty: got no config.json`],
      ] as const
    ) {
      const result = await capture(report, ...args);
      assertEquals([result.code, result.stdout], [code, ""]);
      assertStringIncludes(result.stderr, `error: ${problem}`);
    }
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort(), before);
    assertEquals(await Array.fromAsync(Deno.readDir(`${dir}/empty`)), []);
  });
});

Deno.test("dashboard refuses what is no directory, and a port that is taken", async () => {
  await withRun(async (_, run) => {
    const file = await capture(dashboard, "--run", `${run}/config.json`);
    assertEquals(file.code, 1);
    assertStringIncludes(file.stderr, "got a file, must be an existing directory");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const { code, stdout, stderr } = await capture(dashboard, "--run", run, "--port", String(port));
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, new RegExp(`^error: Cannot serve on port ${port}: got one that is taken`));
    for (const port of ["65536", "-1", "1.5"]) {
      assertEquals((await capture(dashboard, "--run", run, `--port=${port}`)).code, 2, port);
    }
  });
});

Deno.test("the dashboard answers this machine's browser alone, and only what is new", async () => {
  await withRun(async (_, run) => {
    const handler = dashboardHandler([run], () => 8642);
    const get = async (path: string, init?: RequestInit, host = "127.0.0.1:8642") => {
      const response = await handler(new Request(`http://${host}${path}`, init));
      return { status: response.status, text: await response.text() };
    };
    const page = await get("/");
    assertEquals(page.status, 200);
    assertStringIncludes(page.text, "40 of 120 steps");
    const { version, content } = JSON.parse((await get("/content?seen=another")).text);
    assertEquals(content.plots.runs[0].points.loss.value, metricsOf(40).map(({ loss }) => loss));
    assertEquals((await get(`/content?seen=${version}`)).status, 204);
    await makeRun(run, metricsOf(41));
    const later = await get(`/content?seen=${version}`);
    assertEquals(later.status, 200);
    assert(JSON.parse(later.text).version !== version);

    await Deno.writeTextFile(`${run}/metrics.jsonl`, "no JSON\n");
    assertStringIncludes((await get("/")).text, "metrics.jsonl, line 1: got text that is not JSON");
    assertEquals((await get("/", undefined, "localhost:8642")).status, 200);
    for (const other of ["elsewhere.example", "localhost", "127.0.0.1:80", "localhost.:8642", "[::1]:8642"]) {
      assertEquals((await get("/", undefined, other)).status, 403, other);
      assertEquals((await get("/", { headers: { host: other } })).status, 403, other);
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      assertEquals((await get("/", { method })).status, 405, method);
    }
    assertEquals((await get("/", { method: "HEAD" })).status, 200);
    assertEquals((await get("/config.json")).status, 404);
  });
});

Deno.test("the dashboard answers a request of any bytes with one line or a page, and goes on", async () => {
  await withRun(async (_, run) => {
    const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      dashboardHandler([run], () => server.addr.port),
    );
    const { port } = server.addr;
    const ask = async (request: string) => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(Uint8Array.from(request, (character) => character.charCodeAt(0)));
      const answer = await new Response(connection.readable).text();
      const [head, body] = answer.split("\r\n\r\n");
      return { status: Number(head.split(" ")[1]), head, body };
    };
    const end = "Connection: close\r\n\r\n";
    const hosts = ["a b", "<x>", "", "localhost:99999", "[::1", "%", "a|".repeat(5000)];
    for (
      const [line, host, status] of [
        ...hosts.map((host) => ["GET / HTTP/1.1", host, 400] as const),
        ["GET / HTTP/1.1", "evil.example", 403],
        ["GET / HTTP/1.1", "\xff", 403],
        ["GET / HTTP/1.1", "http://x/", 403],
        ["GET / HTTP/1.1", `evil.example:${port}`, 403],
        ["GET http://evil.example/ HTTP/1.1", `127.0.0.1:${port}`, 403],
        ["GET http://[/ HTTP/1.1", `127.0.0.1:${port}`, 400],
        ["GET //evil.example/x HTTP/1.1", `127.0.0.1:${port}`, 404],
        ["POST /content HTTP/1.1", `127.0.0.1:${port}`, 405],
        ["OPTIONS * HTTP/1.1", `127.0.0.1:${port}`, 405],
        ["HEAD / HTTP/1.1", `localhost:${port}`, 200],
        ["GET /content HTTP/1.1", `localhost:${port}`, 200],
      ] as const
    ) {
      const answer = await ask(`${line}\r\nHost: ${host}\r\n${end}`);
      const what = `${line} of ${host.slice(0, 20)}`;
      assertEquals(answer.status, status, `${what}: ${answer.head}`);
      if (status === 200) continue;
      assert(!answer.body.includes("\n") && answer.body.length < 300, `${what}: ${answer.body}`);
      assert(!/file:|\.ts|^\s+at /m.test(answer.body), answer.body);
    }
    await server.shutdown();
  });
});

Deno.test("a run that cannot be read is shown with what is wrong, beside the others", async () => {
  await withRun(async (dir, run) => {
    const damage: Record<string, (run: string) => Promise<void>> = {
      "a line that is not JSON": (run) => Deno.writeTextFile(`${run}/metrics.jsonl`, "no JSON\n"),
      "a step that comes again": (run) =>
        Deno.writeTextFile(`${run}/metrics.jsonl`, linesOf([...metricsOf(2), ...metricsOf(2)])),
      "no configuration that can be used": (run) => Deno.writeTextFile(`${run}/config.json`, '{"model": 1}'),
      "sizes that nothing can hold": (run) =>
        Deno.writeTextFile(
          `${run}/config.json`,
          JSON.stringify({ ...CONFIG, model: { ...CONFIG.model, numLayers: 1e300 } }),
        ),
      "a directory for a log": async (run) => {
        await Deno.remove(`${run}/metrics.jsonl`);
        await Deno.mkdir(`${run}/metrics.jsonl`);
      },
      "data of no kind": (run) =>
        Deno.writeTextFile(`${run}/config.json`, JSON.stringify({ ...CONFIG, data: { train: 1, valid: null } })),
    };
    for (const [what, harm] of Object.entries(damage)) {
      const other = `${dir}/other`;
      await makeRun(other, metricsOf(3));
      const handler = dashboardHandler([other, run], () => 8642);
      await harm(other);
      const response = await handler(new Request("http://127.0.0.1:8642/content?seen="));
      const body = await response.text();
      assertEquals(response.status, 200, `${what}: ${body}`);
      const { content: { sections, plots } } = JSON.parse(body);
      assertStringIncludes(sections.summary, "40 of 120 steps");
      assertMatch(sections.summary, /<b>other<\/b>: Waiting for the run to begin: .*(got|failed)/, what);
      assertEquals(plots.runs[1].points.loss.value.length, 40);
      await Deno.remove(other, { recursive: true });
    }
  });
});

Deno.test("report and dashboard show a run whose losses are NaN or infinite as one that diverged", async () => {
  await withRun(async (dir, run) => {
    const metrics = metricsOf(40);
    const spoiled = metrics.map((line) => line.step === 39 ? { ...line, validLoss: NaN } : line);
    const given = lineOf({ step: 40, diverged: "Cannot go on: got <b>" });
    const shown = [
      // As JSON.stringify writes it, and as it is written now.
      [
        linesOf(spoiled),
        /^40 of 120 steps in 0:20, diverged at step 39 .*, loss 6\.000 → .*, validation loss NaN, .*; Got val/,
      ],
      [spoiled.map(lineOf).join(""), /diverged at step 39 \(counted from 0\), .*; Got validation loss NaN$/],
      [lineOf({ ...metrics[0], loss: Infinity }), /^1 of 120 steps in 0:00, diverged at step 0 .*; Got loss Infinity$/],
      [linesOf(metrics) + given, /^40 of 120 steps in 0:20, diverged at step 40 .*; Cannot go on: got &lt;b>$/],
      [given, /^No step of 120 has been taken yet, diverged at step 40 .*; Cannot go on: got &lt;b>$/],
    ] as const;
    for (const [log, summary] of shown) {
      await Deno.writeTextFile(`${run}/metrics.jsonl`, log);
      const { code, stderr } = await capture(report, "--run", run, "--out", `${dir}/report.html`, "--force");
      assertEquals(code, 0, stderr);
      const response = await dashboardHandler([run], () => 80)(new Request("http://localhost/"));
      for (const html of [await Deno.readTextFile(`${dir}/report.html`), await response.text()]) {
        assertMatch(summaryOf(html), summary);
        assertEquals(/lowest validation loss<\/th><td>(NaN|Infinity)/.test(html), false);
      }
    }
  });
});

/** The line on how the run stands. */
function summaryOf(html: string): string {
  return /<div id="summary"><p>(.*)<\/p><\/div>/.exec(html)![1].replaceAll("&gt;", ">");
}

Deno.test("a report says whether a run finished, stopped or may still run, and shows what was run", async () => {
  await withRun(async (dir, run) => {
    const shown = async () => {
      const { code, stderr } = await capture(report, "--run", run, "--out", `${dir}/report.html`, "--force");
      assertEquals(code, 0, stderr);
      return summaryOf(await Deno.readTextFile(`${dir}/report.html`));
    };
    assertMatch(await shown(), /^40 of 120 steps in 0:20, about 0:39 to go if it still runs, loss 6\.000 → /);
    await Deno.writeTextFile(`${run}/model.safetensors`, "");
    assertMatch(await shown(), /^40 of 120 steps in 0:20, stopped, loss 6\.000 → /);
    await makeRun(run, metricsOf(120));
    assertMatch(await shown(), /^120 of 120 steps in 1:00, finished, loss 6\.000 → /);
    // A log of which the beginning is gone does not know the first loss.
    await makeRun(run, metricsOf(120, { from: 7 }));
    assertMatch(await shown(), /^120 of 120 steps in 1:00, finished, loss \d\.\d+, validation/);

    // config.json is edited between a checkpoint and the rest; the run goes on from the checkpoint.
    const file = { bytes: 0, sha256: sha256("") };
    const files = { "weights.safetensors": file, "optimizer.safetensors": file };
    const state = { step: 40, seconds: 20, config: CONFIG, files };
    await Deno.mkdir(`${run}/checkpoints/step-000000040`, { recursive: true });
    await Deno.writeTextFile(
      `${run}/checkpoints/step-000000040/checkpoint.json`,
      JSON.stringify({ ...state, sha256: sha256(JSON.stringify(state)) }),
    );
    await makeRun(run, metricsOf(120), { ...CONFIG, training: { ...CONFIG.training, steps: 500 } });
    assertMatch(
      await shown(),
      /^120 of 120 steps in 1:00, finished, .*; config\.json was edited since it began: got training\.steps 500, must be 120/,
    );
  });
});
