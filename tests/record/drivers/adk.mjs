// Google ADK for JavaScript: sub-agents, handed over to by the built-in tool transfer_to_agent.
import { provider } from './telemetry.mjs'; // before ADK: it may bring its own copy of the OpenTelemetry API
import { begin, end, AGENTS, TOOLS, TURNS } from './common.mjs';
import { FunctionTool, InMemorySessionService, LlmAgent, Gemini, Runner, StreamingMode } from '@google/adk';
import { z } from 'zod';

const MODELS = { dispatcher: 'gemini-2.5-flash-lite', tracking_desk: 'gemini-2.5-flash', claims_desk: 'gemini-2.5-pro' };
const toolsOf = (name) => Object.entries(TOOLS[name]).map(([id, [description, fields, run]]) => new FunctionTool({
  name: id, description,
  parameters: z.object(Object.fromEntries(fields.map((f) => [f, z.string()]))),
  execute: async (input) => run(input),
}));
const agent = (name, more) => new LlmAgent({
  name, description: `The ${name}.`, instruction: `You are ${name}.`, model: new Gemini({ model: MODELS[name], apiKey: 'none' }),
  generateContentConfig: { httpOptions: { retryOptions: { attempts: 3, initialDelay: 0.1 } } }, ...more,
});
const sessionService = new InMemorySessionService();
const known = new Set();

for (const turn of TURNS) {
  await begin(turn);
  // Desks that may not transfer back: every turn starts at the dispatcher, as in the other recordings.
  const dispatcher = agent('dispatcher', {
    subAgents: [agent('tracking_desk', { tools: toolsOf('tracking_desk'), disallowTransferToParent: true }), agent('claims_desk', { tools: toolsOf('claims_desk'), disallowTransferToParent: true })],
  });
  const runner = new Runner({ appName: 'parcel', agent: dispatcher, sessionService });
  const place = { appName: 'parcel', userId: turn.user_id, sessionId: turn.session_id };
  if (!known.has(turn.session_id)) await sessionService.createSession(place);
  known.add(turn.session_id);
  let answer, error;
  try {
    const runConfig = turn.stream ? { streamingMode: StreamingMode.SSE } : {};
    const newMessage = { role: 'user', parts: [{ text: turn.text }] };
    for await (const event of runner.runAsync({ userId: turn.user_id, sessionId: turn.session_id, newMessage, runConfig })) {
      if (event.errorCode) error = new Error(`${event.errorCode}: ${event.errorMessage}`);
      const text = event.content?.parts?.map((p) => p.text ?? '').join('');
      if (text && !event.partial) answer = text;
    }
  } catch (e) { error = e; }
  await end(error ? undefined : answer, error);
  await provider.forceFlush();
}
await provider.shutdown();
process.exit(0);
