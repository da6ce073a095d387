"""The public client of the Model Context Protocol proposes a trade and learns what became of it.

    client.py http|stdio URL PROGRAM        the token comes from COUNTERSIGN_TOKEN

`http` talks to URL/mcp; `stdio` starts PROGRAM as `countersign mcp`. When the proposal waits, its id is printed, and the
reason for which a person rejected it is read from standard input. The first thing that is not as it should be ends the run.
"""

import asyncio
import os
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

TOOLS = [
    "list_models", "get_portfolio", "get_market", "get_limits", "list_decisions", "get_decision", "propose_trade",
]
TOKEN = os.environ["COUNTERSIGN_TOKEN"]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


async def told(client, tool, **arguments):
    """What a tool says when it goes well."""
    answer = await client.call_tool(tool, arguments)
    check(not answer.is_error, f"{tool}: {answer.content}")
    return answer.structured_content


async def trade(client):
    check(client.server_info.name == "countersign", client.server_info)
    check("a person approves or rejects" in client.instructions, client.instructions)
    print(f"version {client.protocol_version}", flush=True)

    tools = (await client.list_tools()).tools
    check([tool.name for tool in tools] == TOOLS, tools)
    writers = [tool.name for tool in tools if not tool.annotations.read_only_hint]
    check(writers == ["propose_trade"], writers)

    model = (await told(client, "list_models"))["items"][0]
    of_model = {"model_id": model["id"]}
    portfolio = (await told(client, "get_portfolio", **of_model))["portfolio"]
    check(portfolio["positions"] == [] and float(portfolio["cash"]) > 0, portfolio)
    prices = (await told(client, "get_market"))["prices"]
    check(float(prices["BTC"]["price"]) > 0, prices)
    limits = await told(client, "get_limits", **of_model)
    check(set(limits) == {"settings", "risk_status"}, limits)

    cycle = await told(
        client, "propose_trade", **of_model, coin="BTC", signal="buy_to_enter", quantity="0.001", confidence=0.7,
        justification="Rising on volume.",
    )
    check(cycle["executed"] == [], cycle)
    decision = cycle["pending"][0]["decision_id"]
    became = await told(client, "get_decision", decision_id=decision)
    check(became["status"] == "pending" and "order" not in became, became)

    print(f"waiting {decision}", flush=True)
    reason = (await asyncio.to_thread(sys.stdin.readline)).strip()
    became = await told(client, "get_decision", decision_id=decision)
    check((became["status"], became["reason"]) == ("rejected", reason), became)

    refused = await client.call_tool("get_decision", {"decision_id": 4000})
    check(refused.is_error and refused.structured_content["error"]["code"] == "not_found", refused)
    try:
        await client.call_tool("approve", {"decision_id": decision})
    except MCPError as error:
        check(error.code == -32602, error)
    else:
        raise AssertionError("there is a tool that approves")
    print("the agent knows why", flush=True)


async def main():
    way, url, program = sys.argv[1:]
    if way == "stdio":
        bridge = StdioServerParameters(command=program, args=["mcp", "--url", url], env={"COUNTERSIGN_TOKEN": TOKEN})
        async with Client(bridge) as client:
            await trade(client)
        return
    async with create_mcp_http_client(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        async with Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
            await trade(client)


asyncio.run(main())
