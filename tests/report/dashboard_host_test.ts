// The dashboard for other machines: anyone with the token sees it, under any name of the machine, and no one else.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isSame, randomToken } from "../../tasks/dashboard/access.ts";
import { addressesOf } from "../../tasks/dashboard/addresses.ts";
import { dashboardHandler } from "../../tasks/dashboard/handler.ts";
import { browserTest } from "../harness/browser.ts";
import { taskCommand } from "../harness/run_task.ts";
import { until } from "./until.ts";
import { makeRun, metricsOf, withRun } from "./runs.ts";

Deno.test("with a token the dashboard answers whoever has it, by any name, and nobody else", async () => {
  await withRun(async (_, run) => {
    const token = randomToken();
    assertMatch(token, /^[0-9a-f]{32}$/);
    const handler = dashboardHandler([run], () => 8642, { hostname: "0.0.0.0", token });
    const get = async (path: string, host = "machine.example:8642", init: RequestInit = {}) => {
      const response = await handler(new Request(`http://${host}${path}`, init));
      return { status: response.status, text: await response.text() };
    };
    for (const host of ["machine.example:8642", "10.0.0.7:8642", "127.0.0.1:8642"]) {
      assertEquals((await get(`/?token=${token}`, host)).status, 200, host);
    }
    const page = (await get(`/?token=${token}`)).text;
    const { url, version, advice } = JSON.parse(/id="live">(.*?)<\/script>/s.exec(page)![1]);
    assertEquals(url, `/content?token=${token}`);
    assertStringIncludes(advice, "open the address that it prints");
    assertStringIncludes(advice, "--port 8642 --host 0.0.0.0");
    assertEquals((await get(`${url}&seen=${version}`)).status, 204);
    assertEquals((await get(`${url}&seen=another`)).status, 200);

    const wrong = [token.slice(1), `${token}0`, token.toUpperCase().replace(/^\d+$/, "X"), "", randomToken(), "%00"];
    const attempts = wrong.filter((text) => text !== token).map((text) => `token=${text}`);
    for (
      const query of [
        "",
        "?",
        ...attempts.map((text) => `?${text}`),
        `?Token=${token}`,
        `?token=x&token=${token}`,
      ]
    ) {
      for (const path of ["/", "/content", "/config.json"]) {
        const { status, text } = await get(`${path}${query}`);
        assertEquals(status, 403, `${path}${query}`);
        assert(!text.includes(token) && !text.includes("\n"), text);
      }
    }
    assertEquals((await get(`/?token=${token}`, undefined, { method: "POST" })).status, 405);
    assertEquals((await get(`/config.json?token=${token}`)).status, 404);
  });
});

Deno.test("tokens are the same or not, of any lengths", () => {
  const token = randomToken();
  assert(randomToken() !== token);
  assert(isSame(token, token));
  for (const other of ["", "x", token.slice(0, -1), `${token}x`, "é".repeat(16), "\ud800"]) {
    assert(!isSame(other, token), other);
  }
});

Deno.test("the dashboard's addresses are those that other machines know this one by", () => {
  const machine = () =>
    [
      { family: "IPv4", address: "127.0.0.1" },
      { family: "IPv4", address: "192.0.2.7" },
      { family: "IPv4", address: "169.254.3.4" },
      { family: "IPv6", address: "::1" },
      { family: "IPv6", address: "2001:db8::5" },
      { family: "IPv6", address: "fe80::1" },
    ] as const;
  const of = (hostname: string) => addressesOf({ hostname, token: "t" }, 81, machine);
  assertEquals(of("0.0.0.0"), ["http://192.0.2.7:81/?token=t"]);
  assertEquals(of("::"), ["http://192.0.2.7:81/?token=t", "http://[2001:db8::5]:81/?token=t"]);
  assertEquals(of("192.0.2.9"), ["http://192.0.2.9:81/?token=t"]);
  assertEquals(of("2001:db8::9"), ["http://[2001:db8::9]:81/?token=t"]);
  assertEquals(addressesOf({ hostname: "0.0.0.0", token: "t" }, 81, () => []), ["http://127.0.0.1:81/?token=t"]);
  assertEquals(addressesOf({ hostname: "127.0.0.1" }, 81), ["http://127.0.0.1:81/"]);
});

browserTest("a page with a token keeps itself up to date, and its title too", async (open) => {
  await withRun(async (_, run) => {
    const token = randomToken();
    const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      dashboardHandler([run], () => server.addr.port, { hostname: "127.0.0.1", token }),
    );
    try {
      const { page, problems } = await open(`http://127.0.0.1:${server.addr.port}/?token=${token}`);
      await makeRun(run, metricsOf(60));
      await until(page, `document.getElementById("summary").textContent.startsWith("60 of 120 steps")`);
      assertEquals(await page.title(), await page.locator("h1").innerText());
      assertEquals(problems, []);
    } finally {
      await server.shutdown();
    }
  });
});

Deno.test({
  name: "dashboard --host prints an address with a token, and serves with the permissions that deno.json declares",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withRun(async (_, run) => {
      const args = ["--run", run, "--port", "0", "--host", "0.0.0.0"];
      const process = taskCommand("dashboard", args, { stdin: "null", stderr: "null" }).spawn();
      let printed = "";
      for await (const piece of process.stdout.pipeThrough(new TextDecoderStream())) {
        printed += piece;
        if (!printed.endsWith("\n")) continue;
        const [address] = printed.split("\n");
        assertMatch(address, /^http:\/\/[\d.]+:\d+\/\?token=[0-9a-f]{32}$/);
        const { port, search } = new URL(address);
        const answered = await fetch(`http://127.0.0.1:${port}/${search}`);
        const refused = await fetch(`http://127.0.0.1:${port}/`);
        await Promise.all([answered.body?.cancel(), refused.body?.cancel()]);
        process.kill("SIGINT");
        assertEquals([answered.status, refused.status], [200, 403]);
      }
      assertEquals((await process.status).code, 0);
    });
  },
});
