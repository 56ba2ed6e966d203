// Vercel AI SDK 6: a ToolLoopAgent per desk, the dispatcher hands over by tools transfer_to_*.
import { begin, end, AGENTS, MODEL_URL, OTLP_URL, TOOLS, TURNS } from './common.mjs';
import { NodeTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { ToolLoopAgent, stepCountIs, tool } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';

const exporter = new OTLPTraceExporter({ url: OTLP_URL + '/v1/traces' });
let processor = new BatchSpanProcessor(exporter);
if (process.env.OPENINFERENCE) {
  const { OpenInferenceBatchSpanProcessor } = await import('@arizeai/openinference-vercel');
  processor = new OpenInferenceBatchSpanProcessor({ exporter });
}
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'parcel-desk' }),
  spanProcessors: [processor],
});
provider.register();
const openai = createOpenAI({ apiKey: 'none', baseURL: MODEL_URL + '/v1' });

let turn;
const telemetry = (name) => ({
  isEnabled: true,
  functionId: name,
  metadata: {
    sessionId: turn.session_id, userId: turn.user_id, customer_tier: turn.customer_tier, intent: turn.intent,
    transaction_value: turn.transaction_value, outcome: turn.outcome,
  },
});
const toolsOf = (name) => Object.fromEntries(Object.entries(TOOLS[name]).map(([id, [description, fields, run]]) => [id, tool({
  description,
  inputSchema: z.object(Object.fromEntries(fields.map((f) => [f, z.string()]))),
  execute: async (input) => run(input),
})]));
const agent = (name, tools) => new ToolLoopAgent({
  id: name, model: openai.chat(AGENTS[name]), instructions: `You are ${name}.`, tools, stopWhen: stepCountIs(6),
  experimental_telemetry: telemetry(name),
});
const transfer = (name) => tool({
  description: `Hands over to ${name}.`,
  inputSchema: z.object({ request: z.string() }),
  execute: async ({ request }, { abortSignal }) => {
    const desk = agent(name, toolsOf(name));
    if (!turn.stream) return (await desk.generate({ prompt: request, abortSignal })).text;
    const result = await desk.stream({ prompt: request, abortSignal });
    return await result.text;
  },
});

for (turn of TURNS) {
  await begin(turn);
  let answer, error;
  try {
    const dispatcher = agent('dispatcher', {
      transfer_to_tracking_desk: transfer('tracking_desk'), transfer_to_claims_desk: transfer('claims_desk'),
    });
    if (turn.stream) {
      const result = await dispatcher.stream({ prompt: turn.text });
      for await (const part of result.fullStream) if (part.type === 'error') error = part.error;
      answer = error ? undefined : await result.text;
    } else answer = (await dispatcher.generate({ prompt: turn.text })).text;
  } catch (e) { error = e; answer = undefined; }
  await end(answer, error);
  await provider.forceFlush();
}
await provider.shutdown();
process.exit(0);
