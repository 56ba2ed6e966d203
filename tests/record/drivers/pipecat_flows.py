"""Pipecat in text mode with Pipecat Flows: a node for each desk, functions transfer_to_* go to the next node.

A session is one conversation, in one trace. A voice is only imitated: frames say when the bot speaks.
"""

import asyncio
import inspect
import sys

from common import MODEL_URL, OTLP_URL, TOOLS, TURNS, begin, end
from loguru import logger
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from pipecat.flows import FlowManager, FlowsFunctionSchema
from pipecat.frames.frames import (
    BotStartedSpeakingFrame, BotStoppedSpeakingFrame, EndFrame, ErrorFrame, LLMFullResponseEndFrame, LLMMessagesAppendFrame,
    LLMTextFrame, UserStartedSpeakingFrame, UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.utils.tracing.setup import setup_tracing
from pipecat.workers.runner import WorkerRunner

logger.remove()
logger.add(sys.stderr, level="ERROR")
setup_tracing(service_name="parcel-desk", exporter=OTLPSpanExporter(endpoint=OTLP_URL + "/v1/traces"))


class Mouth(FrameProcessor):
    """Stands where speech would be made."""

    def __init__(self):
        super().__init__()
        self.said, self.done = "", asyncio.Event()

    async def speak(self):
        for direction in (FrameDirection.UPSTREAM, FrameDirection.DOWNSTREAM):
            await self.push_frame(BotStartedSpeakingFrame(), direction)
        await asyncio.sleep(0.05)
        for direction in (FrameDirection.UPSTREAM, FrameDirection.DOWNSTREAM):
            await self.push_frame(BotStoppedSpeakingFrame(), direction)

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            self.said += frame.text
        if isinstance(frame, LLMFullResponseEndFrame) and self.said:
            await self.speak()
            self.done.set()
        await self.push_frame(frame, direction)


async def session(turns):
    llm = OpenAILLMService(
        api_key="none", base_url=MODEL_URL + "/v1", settings=OpenAILLMService.Settings(model="gpt-5-mini"),
    )
    context, mouth = LLMContextAggregatorPair(LLMContext()), Mouth()
    worker = PipelineWorker(
        Pipeline([context.user(), llm, mouth, context.assistant()]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        enable_tracing=True, enable_turn_tracking=True, conversation_id=turns[0]["session_id"],
        additional_span_attributes={
            "session.id": turns[0]["session_id"], "user.id": turns[0]["user_id"], "customer.tier": turns[0]["customer_tier"],
        },
        idle_timeout_secs=None,
    )
    flow = FlowManager(worker=worker, llm=llm, context_aggregator=context)

    def tool_of(function):
        async def handler(args, _):
            return function(**args), None

        fields = {name: {"type": "string"} for name in inspect.signature(function).parameters}
        return FlowsFunctionSchema(
            name=function.__name__, description=function.__doc__, properties=fields, required=list(fields), handler=handler)

    def transfer_to(name):
        async def handler(args, _):
            return {"desk": name}, node(name)

        return FlowsFunctionSchema(
            name=f"transfer_to_{name}", description=f"Hands over to {name}.", properties={}, required=[], handler=handler)

    def node(name, answers=True):
        functions = [tool_of(f) for f in TOOLS.get(name, [])]
        if name == "dispatcher":
            functions = [transfer_to("tracking_desk"), transfer_to("claims_desk")]
        return {
            "name": name, "role_message": f"You are {name}.", "task_messages": [], "functions": functions,
            "respond_immediately": answers,
        }

    failed = []

    @worker.event_handler("on_pipeline_error")
    async def on_error(_, frame):
        failed.append(frame.error)
        await mouth.speak()  # "Sorry, something went wrong."
        mouth.done.set()

    async def talk():
        await asyncio.sleep(0.5)
        await flow.initialize(node("dispatcher", answers=False))
        for turn in turns:
            begin(turn)
            mouth.said = ""
            mouth.done.clear()
            failed.clear()
            await worker.queue_frames([UserStartedSpeakingFrame()])
            await asyncio.sleep(0.2)
            await flow.set_node_from_config(node("dispatcher", answers=False))
            await worker.queue_frames([
                UserStoppedSpeakingFrame(),
                LLMMessagesAppendFrame(messages=[{"role": "user", "content": turn["text"]}], run_llm=True),
            ])
            try:
                await asyncio.wait_for(mouth.done.wait(), 12)
            except TimeoutError:
                failed.append("no answer")
            await asyncio.sleep(0.3)
            end(answer=mouth.said if not failed else None, error=RuntimeError(failed[0]) if failed else None)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), talk())


async def main():
    for name in dict.fromkeys(t["session_id"] for t in TURNS):
        await session([t for t in TURNS if t["session_id"] == name])
        trace.get_tracer_provider().force_flush()


asyncio.run(main())
