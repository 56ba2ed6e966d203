// VoltAgent: a supervisor with subagents; the built-in tool delegate_task runs them.
import { begin, end, AGENTS, MODEL_URL, OTLP_URL, TOOLS, TURNS } from './common.mjs';
import { Agent, createTool, VoltAgentObservability } from '@voltagent/core';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';

const observability = new VoltAgentObservability({
  serviceName: 'parcel-desk',
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: OTLP_URL + '/v1/traces' }))],
});
const openai = createOpenAI({ apiKey: 'none', baseURL: MODEL_URL + '/v1' });
const toolsOf = (name) => Object.entries(TOOLS[name]).map(([id, [description, fields, run]]) => createTool({
  name: id, description,
  parameters: z.object(Object.fromEntries(fields.map((f) => [f, z.string()]))),
  execute: async (input) => run(input),
}));
const agent = (name, more) => new Agent({
  name, purpose: `Works as ${name}`, instructions: `You are ${name}.`, model: openai.chat(AGENTS[name]), observability, ...more,
});
const dispatcher = agent('dispatcher', {
  subAgents: [agent('tracking_desk', { tools: toolsOf('tracking_desk') }), agent('claims_desk', { tools: toolsOf('claims_desk') })],
});

for (const turn of TURNS) {
  await begin(turn);
  let answer, error;
  const options = {
    userId: turn.user_id, conversationId: turn.session_id,
    context: { customer_tier: turn.customer_tier, intent: turn.intent, transaction_value: turn.transaction_value, outcome: turn.outcome },
  };
  try {
    if (turn.stream) {
      const result = await dispatcher.streamText(turn.text, options);
      for await (const part of result.fullStream) if (part.type === 'error') error = part.error;
      answer = error ? undefined : await result.text;
    } else answer = (await dispatcher.generateText(turn.text, options)).text;
  } catch (e) { error = e; answer = undefined; }
  await end(answer, error);
  await observability.forceFlush();
}
await observability.shutdown();
process.exit(0);
