"""Unmodified public clients trade on the paper exchange.

    clients.py URL KEY SECRET [--record FILE]

Each line that is printed is something that worked; the first thing that does not ends the run. With --record, the raw
requests that the clients sent are written to FILE: they are the vectors of tests/it/paper_exchange/vectors.json.
"""

import argparse
import json
import time
from decimal import Decimal
from urllib.parse import urlsplit

import ccxt
import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException

SENT = []
PLAIN_SEND = requests.Session.send


def recorded_send(session, request, **options):
    answer = PLAIN_SEND(session, request, **options)
    url = urlsplit(request.url)
    body = request.body or ""
    SENT.append({
        "client": recorded_send.client,
        "method": request.method,
        "path": url.path,
        "query": url.query,
        "body": body.decode() if isinstance(body, bytes) else body,
        "content_type": request.headers.get("Content-Type"),
        "signed": "X-MBX-APIKEY" in request.headers and "signature=" in url.query + body_text(body),
        "status": answer.status_code,
    })
    return answer


def body_text(body):
    return body.decode() if isinstance(body, bytes) else body


def done(client, what):
    print(f"{client}: {what}", flush=True)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def expect(error, code, call, what):
    """The call fails with this class of error, and with this code."""
    try:
        call()
    except error as raised:
        found = getattr(raised, "code", None)
        check(found == code or f'"code":{code}' in str(raised), f"{what}: {raised}")
        return
    raise AssertionError(f"{what}: nothing was raised")


def ccxt_at(url, key, secret, **options):
    """Spot alone: what it would ask other hosts for is switched off."""
    exchange = ccxt.binance({
        "apiKey": key,
        "secret": secret,
        "enableRateLimit": False,
        "options": {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": ["spot"]}, **options},
    })
    for api in ("public", "private", "v1"):
        exchange.urls["api"][api] = f"{url}/api/v3"
    exchange.urls["api"]["sapi"] = f"{url}/sapi/v1"
    return exchange


def with_ccxt(url, key, secret):
    name = recorded_send.client = "ccxt"
    exchange = ccxt_at(url, key, secret)
    markets = exchange.load_markets()
    check(markets["BTC/USDT"]["spot"] and markets["BTC/USDT"]["active"], "BTC/USDT is an active spot market")
    check(Decimal(str(markets["BTC/USDT"]["precision"]["amount"])) == Decimal("0.00001"), "the step is read")
    done(name, "exchange info")

    candles = exchange.fetch_ohlcv("BTC/USDT", "1h", limit=24)
    check(len(candles) == 24 and all(later[0] - earlier[0] == 3_600_000 for earlier, later in zip(candles, candles[1:])), candles)
    ticker = exchange.fetch_ticker("BTC/USDT")
    book = exchange.fetch_order_book("BTC/USDT", 5)
    check(book["bids"][0][0] < book["asks"][0][0], book)
    check(ticker["bid"] and ticker["last"], ticker)
    check(abs(exchange.fetch_time() - time.time() * 1000) < 5_000, "server time is wall-clock time")
    done(name, "candles, ticker and book")

    before = exchange.fetch_balance()
    check(before["USDT"]["free"] > 10_000, before["USDT"])
    done(name, "account")

    bought = exchange.create_order("BTC/USDT", "market", "buy", 0.01)
    check(bought["status"] == "closed" and bought["filled"] == 0.01, bought)
    check(bought["fee"]["currency"] == "BTC" and bought["fee"]["cost"] > 0, bought["fee"])
    after = exchange.fetch_balance()
    gained = after["BTC"]["free"] - before["BTC"]["free"]
    check(abs(gained - (0.01 - bought["fee"]["cost"])) < 1e-9, f"received {gained}")
    done(name, "market buy by quantity")

    by_quote = exchange.create_market_buy_order_with_cost("BTC/USDT", 500)
    check(by_quote["status"] == "closed" and 400 < by_quote["cost"] <= 500, by_quote)
    done(name, "market buy by quote")

    price = exchange.price_to_precision("BTC/USDT", ticker["last"] * 0.8)
    resting = exchange.create_order("BTC/USDT", "limit", "buy", 0.001, price, {"clientOrderId": "ccxt-rests"})
    check(resting["status"] == "open", resting)
    found = exchange.fetch_order(None, "BTC/USDT", {"origClientOrderId": "ccxt-rests"})
    check(found["id"] == resting["id"] and found["status"] == "open", found)
    check(any(order["id"] == resting["id"] for order in exchange.fetch_open_orders("BTC/USDT")), "it is among the open ones")
    done(name, "limit order, found by its client id")

    again = lambda: exchange.create_order("BTC/USDT", "limit", "buy", 0.001, price, {"clientOrderId": "ccxt-rests"})
    expect(ccxt.BaseError, -2010, again, "a duplicate id")
    done(name, "duplicate id refused")

    canceled = exchange.cancel_order(resting["id"], "BTC/USDT")
    check(canceled["status"] == "canceled", canceled)
    expect(ccxt.OrderNotFound, -2011, lambda: exchange.cancel_order(resting["id"], "BTC/USDT"), "a second cancel")
    done(name, "cancel")

    off_step = lambda: exchange.private_post_order({
        "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.000015",
    })
    expect(ccxt.BaseError, -1013, off_step, "a quantity off the step")
    done(name, "lot size violation refused")

    check(len(exchange.fetch_my_trades("BTC/USDT")) >= 2, "executions of one's own")
    check(len(exchange.fetch_orders("BTC/USDT")) >= 3, "orders of one's own")

    wrong = ccxt_at(url, key, secret[::-1])
    expect(ccxt.AuthenticationError, -1022, wrong.private_get_account, "a wrong secret")
    unknown = ccxt_at(url, key[::-1] + "x", secret)
    expect(ccxt.AuthenticationError, -2015, unknown.private_get_account, "an unknown key")
    done(name, "bad signature and bad key refused")

    late = ccxt_at(url, key, secret, timeDifference=20_000)
    expect(ccxt.InvalidNonce, -1021, late.private_get_account, "stale time")
    done(name, "stale time refused")


def with_python_binance(url, key, secret):
    name = recorded_send.client = "python-binance"
    client = Client(key, secret, ping=False)
    client.API_URL = f"{url}/api"
    client.MARGIN_API_URL = f"{url}/sapi"

    client.ping()
    info = client.get_symbol_info("BTCUSDT")
    check(info["status"] == "TRADING" and any(it["filterType"] == "LOT_SIZE" for it in info["filters"]), info)
    check(abs(client.get_server_time()["serverTime"] - time.time() * 1000) < 5_000, "server time is wall-clock time")
    done(name, "exchange info")

    candles = client.get_klines(symbol="BTCUSDT", interval=Client.KLINE_INTERVAL_5MINUTE, limit=10)
    check(len(candles) == 10 and len(candles[0]) == 12, candles)
    last = Decimal(client.get_symbol_ticker(symbol="BTCUSDT")["price"])
    check(client.get_orderbook_ticker(symbol="BTCUSDT")["bidPrice"] and client.get_avg_price(symbol="BTCUSDT")["price"], last)
    done(name, "candles and prices")

    before = {row["asset"]: Decimal(row["free"]) for row in client.get_account()["balances"]}
    check(client.get_account_api_permissions()["enableWithdrawals"] is False, "the key is safe")
    done(name, "account and key permissions")

    bought = client.order_market_buy(symbol="BTCUSDT", quantity="0.01")
    fee = sum(Decimal(fill["commission"]) for fill in bought["fills"])
    check(bought["status"] == "FILLED" and fee > 0, bought)
    after = Decimal(client.get_asset_balance("BTC")["free"])
    check(after - before["BTC"] == Decimal("0.01") - fee, f"received {after - before['BTC']}")
    done(name, "market buy by quantity")

    by_quote = client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="500")
    check(by_quote["status"] == "FILLED" and Decimal(by_quote["cummulativeQuoteQty"]) <= 500, by_quote)
    done(name, "market buy by quote")

    price = str((last * Decimal("0.8")).quantize(Decimal("0.01")))
    terms = {"symbol": "BTCUSDT", "quantity": "0.001", "price": price, "newClientOrderId": "pb-rests"}
    resting = client.order_limit_buy(**terms)
    check(resting["status"] == "NEW" and resting["fills"] == [], resting)
    found = client.get_order(symbol="BTCUSDT", origClientOrderId="pb-rests")
    check(found["orderId"] == resting["orderId"] and found["isWorking"], found)
    check([order["orderId"] for order in client.get_open_orders(symbol="BTCUSDT")] == [resting["orderId"]], "it is open")
    done(name, "limit order, found by its client id")

    expect(BinanceAPIException, -2010, lambda: client.order_limit_buy(**terms), "a duplicate id")
    done(name, "duplicate id refused")

    canceled = client.cancel_order(symbol="BTCUSDT", origClientOrderId="pb-rests")
    check(canceled["status"] == "CANCELED" and canceled["origClientOrderId"] == "pb-rests", canceled)
    expect(BinanceAPIException, -2011, lambda: client.cancel_order(symbol="BTCUSDT", orderId=resting["orderId"]), "twice")
    done(name, "cancel")

    client.create_test_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.01")
    expect(BinanceAPIException, -1013, lambda: client.order_market_buy(symbol="BTCUSDT", quantity="0.000015"), "lot size")
    expect(BinanceAPIException, -1121, lambda: client.get_order(symbol="NOSUCH", orderId=1), "an unknown market")
    expect(BinanceAPIException, -2013, lambda: client.get_order(symbol="BTCUSDT", orderId=987654321), "an unknown order")
    done(name, "test order, and violations refused")

    check(len(client.get_my_trades(symbol="BTCUSDT", orderId=bought["orderId"])) == len(bought["fills"]), "executions")
    check(len(client.get_all_orders(symbol="BTCUSDT")) >= 3, "orders of one's own")

    wrong = Client(key, secret[::-1], ping=False)
    wrong.API_URL = client.API_URL
    expect(BinanceAPIException, -1022, wrong.get_account, "a wrong secret")
    nobody = Client(key[::-1] + "x", secret, ping=False)
    nobody.API_URL = client.API_URL
    expect(BinanceAPIException, -2015, nobody.get_account, "an unknown key")
    done(name, "bad signature and bad key refused")

    client.timestamp_offset = -20_000
    expect(BinanceAPIException, -1021, client.get_account, "stale time")
    done(name, "stale time refused")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("url")
    arguments.add_argument("key")
    arguments.add_argument("secret")
    arguments.add_argument("--record")
    given = arguments.parse_args()
    requests.Session.send = recorded_send
    with_ccxt(given.url, given.key, given.secret)
    with_python_binance(given.url, given.key, given.secret)
    if given.record:
        with open(given.record, "w", encoding="utf-8") as file:
            json.dump({"key": given.key, "secret": given.secret, "requests": SENT}, file, indent=1)
            file.write("\n")
    print("all clients trade")


main()
