// Vercel AI SDK 6: a tool that needs approval. The answer of the person comes with a second call.
// Other turns begin at a dispatcher, whose tools transfer_to_* run a desk and return its answer.
import './telemetry.mjs';
import { provider } from './telemetry.mjs';
import { begin, end, AGENTS, MODEL_URL, TOOLS, TURNS } from './common.mjs';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';

const openai = createOpenAI({ apiKey: 'none', baseURL: MODEL_URL + '/v1' });
const claim = z.string();
const plain = ([description, fields, run]) => tool({
  description, inputSchema: z.object(Object.fromEntries(fields.map((f) => [f, z.string()]))), execute: async (a) => run(a),
});
const transfer = (name) => tool({
  description: `Hands over to ${name}.`, inputSchema: z.object({ request: z.string() }),
  execute: async ({ request }) => (await run(name, [{ role: 'user', content: request }])).text,
});
const tools = {
  claims_desk: {
    look_up_claim: tool({ description: 'Reads a claim.', inputSchema: z.object({ claim }), execute: async (a) => `${a.claim} is open` }),
    pay_compensation: tool({
      description: 'Pays.', inputSchema: z.object({ claim, amount: z.number() }), needsApproval: true,
      execute: async (a) => `${a.amount} paid for ${a.claim}`,
    }),
    escalate_to_human: plain(TOOLS.claims_desk.escalate_to_human),
  },
  tracking_desk: {},
  dispatcher: { transfer_to_claims_desk: transfer('claims_desk'), transfer_to_tracking_desk: transfer('tracking_desk') },
};

let turn;
async function run(name, messages) {
  const options = {
    model: openai.chat(AGENTS[name]), system: `You are ${name}.`, messages, tools: tools[name], stopWhen: stepCountIs(6),
    experimental_telemetry: {
      isEnabled: true, functionId: name,
      metadata: { sessionId: turn.session_id, userId: turn.user_id, customer_tier: turn.customer_tier, intent: turn.intent },
    },
  };
  if (!turn.stream) return generateText(options);
  const result = streamText(options);
  await result.consumeStream();
  return { text: await result.text, content: await result.content, response: await result.response };
}

for (turn of TURNS) {
  await begin(turn);
  const messages = [{ role: 'user', content: turn.text }];
  const ask = () => run(turn.entry ?? 'claims_desk', messages);
  let answer, error;
  try {
    let result = await ask();
    await provider.forceFlush();
    const asked = result.content.filter((part) => part.type === 'tool-approval-request');
    if (asked.length) {
      await new Promise((done) => setTimeout(done, 9000)); // A person thinks.
      messages.push(...result.response.messages, {
        role: 'tool',
        content: asked.map(({ approvalId, toolCall }) => (
          { type: 'tool-approval-response', approvalId, approved: toolCall.input.amount <= 100 })),
      });
      result = await ask();
    }
    answer = result.text;
  } catch (e) { error = e; }
  await end(answer, error);
  await provider.forceFlush();
}
await provider.shutdown();
process.exit(0);
