//! Questions about the account and its key.

use super::market::filters;
use super::nothing;
use crate::adapters::paper_exchange::call::{Answer, Call};
use crate::adapters::paper_exchange::engine::Balance;
use crate::adapters::paper_exchange::error::ApiError;
use crate::adapters::paper_exchange::json::Json;
use rust_decimal::Decimal;

/// Legacy commissions are integers: 1 is a hundredth of a per cent.
const LEGACY_COMMISSION: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
/// Share of the standard commission that is left when it is paid in BNB.
const BNB_DISCOUNT: Decimal = Decimal::from_parts(75, 0, 0, false, 2);

/// `GET /api/v3/account`
///
/// # Errors
/// When a parameter cannot be read.
pub fn account(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    let omit_zero = call.params.truth("omitZeroBalances")?.unwrap_or(false);
    call.params.finish()?;
    let floor = call.exchange.floor();
    let account = floor.engine.account(member.account).ok_or_else(ApiError::unknown_key)?;
    let others = call.exchange.assets.iter().filter(|asset| !account.balances.contains_key(*asset));
    let held = account.balances.iter().map(|(asset, balance)| (asset, *balance));
    let rows = held.chain(others.map(|asset| (asset, Balance::default())));
    let legacy = |rate: Decimal| i64::try_from((rate * LEGACY_COMMISSION).round()).unwrap_or_default();
    let mut json = call.json();
    json.object(|json| {
        json.int("makerCommission", legacy(account.maker_rate));
        json.int("takerCommission", legacy(account.taker_rate));
        json.int("buyerCommission", 0);
        json.int("sellerCommission", 0);
        json.object_field("commissionRates", |json| rates(json, account.maker_rate, account.taker_rate));
        json.truth("canTrade", member.permissions.trade);
        // The account's state, which says nothing about the key.
        json.truth("canWithdraw", true);
        json.truth("canDeposit", true);
        json.truth("brokered", false);
        json.truth("requireSelfTradePrevention", false);
        json.truth("preventSor", false);
        json.time("updateTime", account.updated_at);
        json.text("accountType", "SPOT");
        json.array_field("balances", |json| {
            for (asset, balance) in rows {
                if omit_zero && balance.free.is_zero() && balance.locked.is_zero() {
                    continue;
                }
                json.object(|json| {
                    json.text("asset", asset.as_str());
                    json.amount("free", balance.free);
                    json.amount("locked", balance.locked);
                });
            }
        });
        json.array_field("permissions", |json| json.text_item("SPOT"));
        json.int("uid", super::super::render::number(member.account.0));
    });
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/account/commission`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn commission(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    let symbol = call.params.symbol()?.to_owned();
    call.params.finish()?;
    let floor = call.exchange.floor();
    if !super::is_served(&floor.engine, &symbol) {
        return Err(ApiError::bad_symbol());
    }
    let account = floor.engine.account(member.account).ok_or_else(ApiError::unknown_key)?;
    let mut json = call.json();
    json.object(|json| {
        json.text("symbol", &symbol);
        json.object_field("standardCommission", |json| rates(json, account.maker_rate, account.taker_rate));
        json.object_field("specialCommission", |json| rates(json, Decimal::ZERO, Decimal::ZERO));
        json.object_field("taxCommission", |json| rates(json, Decimal::ZERO, Decimal::ZERO));
        discount(json, account.bnb_burn);
    });
    Ok(Answer::after(floor.number(), json))
}

/// The discount for paying in BNB, as a field.
pub fn discount(json: &mut Json, is_on: bool) {
    json.object_field("discount", |json| {
        json.truth("enabledForAccount", is_on);
        json.truth("enabledForSymbol", true);
        json.text("discountAsset", "BNB");
        json.amount("discount", BNB_DISCOUNT);
    });
}

fn rates(json: &mut Json, maker: Decimal, taker: Decimal) {
    json.amount("maker", maker);
    json.amount("taker", taker);
    json.amount("buyer", Decimal::ZERO);
    json.amount("seller", Decimal::ZERO);
}

/// `GET /api/v3/rateLimit/order`
///
/// # Errors
/// When a parameter cannot be read.
pub fn order_count(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    call.params.finish()?;
    let limits = &call.exchange.limits;
    let count = limits.order_count(member.account, call.exchange.clock.now());
    let mut json = call.json();
    json.array(|json| {
        for line in limits.lines().iter().filter(|line| line.kind == "ORDERS") {
            json.object(|json| {
                super::market::limit_line(json, line);
                let counted = if line.interval == "DAY" { count.day } else { count.ten_seconds };
                json.int("count", super::super::render::number(counted));
            });
        }
    });
    Ok(Answer::of(json))
}

/// `GET /api/v3/myFilters`
///
/// # Errors
/// -1121 for a market that is not served.
pub fn my_filters(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let symbol = call.params.symbol()?.to_owned();
    call.params.finish()?;
    let floor = call.exchange.floor();
    let found = floor.engine.markets().find(|(rules, _)| rules.symbol.as_str() == symbol);
    let (rules, _) = found.ok_or_else(ApiError::bad_symbol)?;
    let mut json = call.json();
    json.object(|json| {
        json.array_field("exchangeFilters", |_| {});
        json.array_field("symbolFilters", |json| filters(json, rules));
        json.array_field("assetFilters", |_| {});
    });
    Ok(Answer::of(json))
}

/// `GET /sapi/v1/account/apiRestrictions`
///
/// # Errors
/// When a parameter cannot be read.
pub fn restrictions(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let permissions = call.member()?.permissions;
    call.params.finish()?;
    let mut json = call.json();
    json.object(|json| {
        json.truth("ipRestrict", permissions.ip_restricted);
        json.time("createTime", call.exchange.started_at.0);
        json.truth("enableReading", true);
        json.truth("enableWithdrawals", permissions.withdraw);
        json.truth("enableInternalTransfer", permissions.internal_transfer);
        json.truth("enableMargin", permissions.margin);
        json.truth("enableFutures", permissions.futures);
        json.truth("permitsUniversalTransfer", permissions.universal_transfer);
        json.truth("enableVanillaOptions", false);
        json.truth("enableFixApiTrade", false);
        json.truth("enableFixReadOnly", false);
        json.truth("enableSpotAndMarginTrading", permissions.trade);
        json.truth("enablePortfolioMarginTrading", false);
    });
    Ok(Answer::of(json))
}

/// `GET /sapi/v1/bnbBurn`
///
/// # Errors
/// When a parameter cannot be read.
pub fn bnb_burn(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    call.params.finish()?;
    let floor = call.exchange.floor();
    let account = floor.engine.account(member.account).ok_or_else(ApiError::unknown_key)?;
    let mut json = call.json();
    burn(&mut json, account.bnb_burn);
    Ok(Answer::after(floor.number(), json))
}

/// `POST /sapi/v1/bnbBurn`
///
/// # Errors
/// When a parameter cannot be read.
pub fn set_bnb_burn(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    let is_on = call.params.truth("spotBNBBurn")?.ok_or_else(|| ApiError::mandatory("spotBNBBurn"))?;
    call.params.skip(&["interestBNBBurn"]);
    call.params.finish()?;
    let exchange = call.exchange;
    let (now, market_at) = (exchange.clock.now(), exchange.feed.now());
    let mut floor = exchange.floor();
    let done = floor.engine.set_bnb_burn(member.account, is_on, now.0)?;
    floor.commit(done, market_at, &exchange.limits, now);
    let mut json = call.json();
    burn(&mut json, is_on);
    Ok(Answer::after(floor.number(), json))
}

fn burn(json: &mut Json, is_on: bool) {
    json.object(|json| {
        json.truth("spotBNBBurn", is_on);
        json.truth("interestBNBBurn", false);
    });
}

/// `GET /sapi/v1/capital/config/getall`: the assets, none of which has a network to travel on.
///
/// # Errors
/// When a parameter cannot be read.
pub fn coins(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let member = call.member()?;
    call.params.finish()?;
    let floor = call.exchange.floor();
    let account = floor.engine.account(member.account).ok_or_else(ApiError::unknown_key)?;
    let mut json = call.json();
    json.array(|json| {
        for asset in &call.exchange.assets {
            let balance = account.balances.get(asset).copied().unwrap_or_default();
            json.object(|json| {
                json.text("coin", asset.as_str());
                json.text("name", asset.as_str());
                json.truth("depositAllEnable", false);
                json.truth("withdrawAllEnable", false);
                json.truth("trading", true);
                json.truth("isLegalMoney", false);
                json.amount("free", balance.free);
                json.amount("locked", balance.locked);
                for name in ["freeze", "ipoable", "ipoing", "storage", "withdrawing"] {
                    json.amount(name, Decimal::ZERO);
                }
                json.array_field("networkList", |_| {});
            });
        }
    });
    Ok(Answer::after(floor.number(), json))
}

/// `GET /api/v3/ping`
///
/// # Errors
/// When parameters were sent.
pub fn ping(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    call.params.finish()?;
    Ok(nothing(call))
}
