// Many requests at once: none is lost, too many are told so, and who goes away takes nothing with them.
import { assert, assertEquals } from "@std/assert";
import { eventStream } from "../../tasks/serve/event_stream.ts";
import { post, serveSmall, untilIdle } from "./served.ts";

Deno.test("more requests than there is room for get status 429, and all others their own text", async () => {
  await using served = await serveSmall({ slots: 2, maxQueued: 3 });
  const ask = (seed: number) => post(`${served.url}/v1/completions`, { prompt: "the cat", max_tokens: 30, seed });
  const alone = await (await ask(4)).json();
  const responses = await Promise.all(Array.from({ length: 20 }, (_, seed) => ask(seed)));
  const bodies = await Promise.all(responses.map((response) => response.json()));
  const statuses = responses.map(({ status }) => status);
  assertEquals(
    statuses.filter((status) => status === 200).length + statuses.filter((status) => status === 429).length,
    20,
  );
  assert(statuses.includes(429) && statuses.filter((status) => status === 200).length >= 5, String(statuses));
  const refused = statuses.indexOf(429);
  assertEquals(responses[refused].headers.get("retry-after"), "1");
  assertEquals(bodies[refused].error.code, "queue_full");
  const texts = bodies.flatMap((body, seed) => statuses[seed] === 200 ? [[seed, body.choices[0].text]] : []);
  assertEquals(new Set(texts.map(([, text]) => text)).size, texts.length);
  for (const [seed, text] of texts) if (seed === 4) assertEquals(text, alone.choices[0].text);
  await untilIdle(served);
});

Deno.test("whoever goes away before the answer frees its slot", async () => {
  await using served = await serveSmall({ slots: 1, maxQueued: 20 });
  const url = `${served.url}/v1/completions`;
  const body = { prompt: "the cat", max_tokens: 90, n: 5 };
  for (const stream of [false, true]) {
    const gone = new AbortController();
    const asked = post(url, { ...body, stream }, { signal: gone.signal }).then((response) => response.text());
    while (served.loaded.engine.counts.running === 0) await fetch(`${served.url}/health`);
    gone.abort();
    await asked.then(() => {}, () => {});
    const before = served.loaded.engine.counts.generatedTokens;
    await untilIdle(served);
    assert(served.loaded.engine.counts.generatedTokens < before + 5 * 90);
  }
  assertEquals((await post(url, { prompt: "the cat", max_tokens: 3 })).status, 200);
  assertEquals(served.reported, []);
});

Deno.test("a stream that nobody reads is given up after a while, and makes nothing ahead", async () => {
  let made = 0;
  const events = async function* () {
    for (;;) yield await Promise.resolve(made++);
  };
  const givenUp = Promise.withResolvers<void>();
  const report = (error: unknown) => givenUp.reject(error);
  const body = eventStream(events(), { giveUp: () => givenUp.resolve(), report, unreadMs: 5 });
  const reader = body.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "data: 0\n\n");
  await givenUp.promise;
  assertEquals(made, 1);
  await reader.read().then(() => assert(false, "must end with an error"), (error) => assert(error instanceof Error));
});

Deno.test("metrics count what was asked and made, in Prometheus' form", async () => {
  await using served = await serveSmall();
  const url = `${served.url}/v1/completions`;
  await (await post(url, { prompt: [1, 2, 3], max_tokens: 4 })).json();
  await (await post(url, { prompt: [1], max_tokens: 2, n: 3, stream: true })).text();
  await (await post(url, "{")).json();
  await (await fetch(`${served.url}/what`)).json();
  const response = await fetch(`${served.url}/metrics`);
  const text = await response.text();
  assert(response.headers.get("content-type")!.startsWith("text/plain; version=0.0.4"));
  // A line is a comment, or a name, labels if it has any, and a number.
  const lines = text.trimEnd().split("\n");
  for (const line of lines) {
    assert(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e-]+)$/.test(line), line);
  }
  const values = new Map(
    lines.filter((line) => !line.startsWith("#")).map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at))];
    }),
  );
  assertEquals(values.get('bytelm_requests_total{path="/v1/completions",status="200"}'), 2);
  assertEquals(values.get('bytelm_requests_total{path="/v1/completions",status="400"}'), 1);
  assertEquals(values.get('bytelm_requests_total{path="other",status="404"}'), 1);
  assertEquals(values.get("bytelm_prompt_tokens_total"), 6);
  assertEquals(values.get("bytelm_generated_tokens_total"), 10);
  assertEquals(values.get("bytelm_answer_seconds_count"), 2);
  assertEquals(values.get('bytelm_answer_seconds_bucket{le="+Inf"}'), 2);
});
