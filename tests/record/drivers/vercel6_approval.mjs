// Vercel AI SDK 6: a tool that needs approval. The answer of the person comes with a second call.
import './telemetry.mjs';
import { provider } from './telemetry.mjs';
import { begin, end, AGENTS, MODEL_URL, TURNS } from './common.mjs';
import { generateText, stepCountIs, tool } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';

const openai = createOpenAI({ apiKey: 'none', baseURL: MODEL_URL + '/v1' });
const claim = z.string();
const tools = {
  look_up_claim: tool({ description: 'Reads a claim.', inputSchema: z.object({ claim }), execute: async (a) => `${a.claim} is open` }),
  pay_compensation: tool({
    description: 'Pays.', inputSchema: z.object({ claim, amount: z.number() }), needsApproval: true,
    execute: async (a) => `${a.amount} paid for ${a.claim}`,
  }),
};

for (const turn of TURNS) {
  await begin(turn);
  const messages = [{ role: 'user', content: turn.text }];
  const ask = () => generateText({
    model: openai.chat(AGENTS.claims_desk), system: 'You are claims_desk.', messages, tools, stopWhen: stepCountIs(6),
    experimental_telemetry: {
      isEnabled: true, functionId: 'claims_desk',
      metadata: { sessionId: turn.session_id, userId: turn.user_id, customer_tier: turn.customer_tier, intent: turn.intent },
    },
  });
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
