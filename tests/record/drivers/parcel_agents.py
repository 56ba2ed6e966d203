"""The parcel service with the OpenAI Agents SDK, for the instrumentations that sit on it: native handoffs."""

from agents import Agent, ModelSettings, Runner, function_tool, set_default_openai_api, set_default_openai_client
from common import AGENTS, MODEL_URL, TOOLS
from openai import AsyncOpenAI

set_default_openai_client(AsyncOpenAI(base_url=MODEL_URL + "/v1", api_key="none"), use_for_tracing=False)
set_default_openai_api("chat_completions")


def failing(_, error):
    return f"Error: {error}"


def agent(name, **more):
    tools = [function_tool(f, failure_error_function=failing) for f in TOOLS.get(name, [])]
    # Without include_usage, a streamed call tells no tokens.
    settings = ModelSettings(include_usage=True)
    return Agent(name=name, instructions=f"You are {name}.", model=AGENTS[name], tools=tools, model_settings=settings, **more)


dispatcher = agent("dispatcher", handoffs=[agent("tracking_desk"), agent("claims_desk")])


async def ask(turn):
    if not turn.get("stream"):
        return (await Runner.run(dispatcher, turn["text"])).final_output
    result = Runner.run_streamed(dispatcher, turn["text"])
    async for _ in result.stream_events():
        pass
    return result.final_output
