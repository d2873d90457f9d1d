import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { toText } from "@std/streams";
import { dashboardHandler } from "../../tasks/dashboard/handler.ts";
import { taskCommand } from "../harness/run_task.ts";
import { CONFIG, linesOf, makeRun, metricsOf, withRun } from "./runs.ts";

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
      const answer = await toText(connection.readable);
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
      assertStringIncludes(sections.runs, ">40 of 120<");
      assertMatch(sections.runs, /<\/i> other<.*>Waiting for the run to start: .*(got|failed)/, what);
      assertEquals(plots.runs[1].points.loss.value.length, 40);
      await Deno.remove(other, { recursive: true });
    }
  });
});

Deno.test({
  name: "Ctrl-C and SIGTERM are the dashboard's normal end",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withRun(async (_, run) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        const args = ["--run", run, "--port", "0"];
        const process = taskCommand("dashboard", args, { stdin: "null", stderr: "piped" }).spawn();
        const stderr = toText(process.stderr);
        // It prints its address once it can be ended.
        for await (const _ of process.stdout) process.kill(signal);
        assertEquals((await process.status).code, 0);
        assertMatch(await stderr, /^From another machine: ssh -L (\d+):127\.0\.0\.1:\1 .*\n$/);
      }
    });
  },
});
