//! The template of a model's prompts: an editor, what the model would be told now, and how far it is from the default.

use super::html;
use super::shell::shell;
use crate::domain::access::Permission;
use crate::domain::ids::BUILT_IN_PROVIDER;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::provider::AnswerMode;
use crate::domain::trader::Trader;
use crate::ports::language_model::TEMPLATE_MAX_BYTES;
use crate::services::desk::Desk;
use crate::services::templates::{self, CurrentTemplate, PreviewError, TemplateSaveError};
use crate::web::api::prompt::save_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::view::{Badge, DiffLine, Nav, PromptPage, PromptPreview, SavedTemplate, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// Lines around a difference that are shown with it.
const DIFF_CONTEXT: usize = 2;
/// How long two templates are compared for the shortest difference; after that a longer one does.
const DIFF_TIME: Duration = Duration::from_millis(50);
/// The longest version that a form names.
const VERSION_MAX: usize = 64;
/// Said where nothing reads the template yet.
const RULES_NOTE: &str = "Built-in rules answer for this model, and they read no prompt. The template is used once a language model answers.";

/// `GET /models/{id}/prompt`: `?number=` opens a saved template in the editor.
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn open(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let number = query.integer("number", 1..=i64::MAX);
    query.refuse_unknown();
    query.0.finish()?;
    let state = State::read(&desk, &trader).await?;
    let text = match number {
        None => state.current.text.clone(),
        Some(number) => {
            let saved = state.saved.iter().find(|saved| saved.number == number);
            let saved = saved.ok_or_else(|| AppError::not_found("saved template"))?;
            saved.text.clone().unwrap_or_else(|| desk.prompts.default_template().to_owned())
        }
    };
    page(&desk, &ctx, &trader, state, Editor { status: StatusCode::OK, text, error: String::new() }).await
}

/// `POST /models/{id}/prompt/preview`: the same page with what was typed; nothing is kept.
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn preview(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let text = form.text("template", TEMPLATE_MAX_BYTES).unwrap_or_default();
    form.text("version", VERSION_MAX);
    form.refuse_unknown();
    form.0.finish()?;
    if ctx.is_htmx {
        return html(StatusCode::OK, &look(&desk, &trader, &text).await?);
    }
    let state = State::read(&desk, &trader).await?;
    page(&desk, &ctx, &trader, state, Editor { status: StatusCode::OK, text, error: String::new() }).await
}

/// `POST /models/{id}/prompt`: what was typed stays in a form that is refused.
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn save(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let text = form.text("template", TEMPLATE_MAX_BYTES).unwrap_or_default();
    let version = form.text("version", VERSION_MAX);
    form.refuse_unknown();
    form.0.finish()?;
    let (status, error) =
        match templates::save(&desk, trader.id, Some(&text), version.as_deref(), &ctx.actor.name()).await {
            Ok(now) => return Ok(saved(&ctx, &trader, &now)),
            Err(TemplateSaveError::Refused(error)) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            Err(error @ TemplateSaveError::Changed) => (StatusCode::CONFLICT, error.to_string()),
            Err(error) => return Err(save_error(error)),
        };
    let error = format!("Nothing was saved: {error}.");
    let state = State::read(&desk, &trader).await?;
    page(&desk, &ctx, &trader, state, Editor { status, text, error }).await
}

/// `POST /models/{id}/prompt/default`: back to the program's own template.
///
/// # Errors
/// 404, 409, or when the database fails.
pub async fn reset(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let now = templates::save(&desk, trader.id, None, None, &ctx.actor.name()).await.map_err(save_error)?;
    Ok(saved(&ctx, &trader, &now))
}

fn saved(ctx: &Ctx, trader: &Trader, now: &CurrentTemplate) -> HttpResponse {
    let text = if now.is_default {
        format!("{} uses the default template.", trader.name)
    } else {
        format!("Template of {} saved as {}.", trader.name, now.version)
    };
    flash::redirect(ctx, &format!("/models/{}/prompt", trader.id), Tone::Good, &text)
}

/// What is stored of a model's templates.
struct State {
    current: CurrentTemplate,
    saved: Vec<PromptTemplate>,
}

impl State {
    async fn read(desk: &Desk, trader: &Trader) -> Result<Self, AppError> {
        let current = templates::current(desk, trader.id).await?;
        Ok(Self { current, saved: templates::history(desk, trader.id).await? })
    }
}

/// What stands in the editor.
struct Editor {
    status: StatusCode,
    text: String,
    error: String,
}

async fn page(desk: &Desk, ctx: &Ctx, trader: &Trader, state: State, editor: Editor) -> Result<HttpResponse, AppError> {
    let State { current, saved } = state;
    let now = desk.clock.now();
    let line = |saved: &PromptTemplate| SavedTemplate {
        number: saved.number,
        version: saved.version.clone(),
        is_default: saved.text.is_none(),
        by: saved.saved_by.clone(),
        at: show::when(saved.saved_at.0, now.0),
    };
    let (word, tone) = if current.is_default { ("default", Tone::Plain) } else { ("its own", Tone::Good) };
    let page = PromptPage {
        shell: shell(desk, ctx, Nav::Models, format!("Prompt of {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        note: if trader.provider_id == BUILT_IN_PROVIDER { RULES_NOTE.to_owned() } else { String::new() },
        state: Badge { text: word.to_owned(), tone },
        is_default: current.is_default,
        version: current.version,
        may_save: ctx.actor.may(Permission::Operate),
        bytes_max: show::exact(TEMPLATE_MAX_BYTES.into()),
        preview: look(desk, trader, &editor.text).await?,
        template: editor.text,
        error: editor.error,
        saved: saved.iter().map(line).collect(),
    };
    html(editor.status, &page)
}

/// What a template would tell the model now. One that does not render, and a market that does not answer, are told.
async fn look(desk: &Desk, trader: &Trader, text: &str) -> Result<PromptPreview, AppError> {
    let diff = difference(desk.prompts.default_template(), &text.replace("\r\n", "\n"));
    let mut preview = PromptPreview { diff, ..PromptPreview::default() };
    // In the way that the provider is asked: a schema stands in the prompt only where it cannot be sent along.
    let mode = desk.store.answer_mode(trader.provider_id, &trader.model_name).await?.unwrap_or(AnswerMode::JsonSchema);
    let schema = desk.ai.as_ref().map(|ai| ai.answers.schema(&trader.settings.supported_assets)).unwrap_or_default();
    match templates::preview(desk, trader, text, (&schema, mode)).await {
        Ok(prompt) => {
            let most = trader.settings.ai_prompt_tokens;
            let (tokens, most) = (show::exact(prompt.estimated_tokens.into()), show::exact(most.into()));
            preview.size = format!("About {tokens} tokens of at most {most}, counted as three bytes each.");
            preview.cut = prompt.cut;
            (preview.system, preview.user) = (prompt.system, prompt.user);
        }
        Err(PreviewError::Store(error)) => return Err(error.into()),
        Err(error) => preview.error = show::sentence(&error.to_string()),
    }
    Ok(preview)
}

/// The lines that differ with those around them; none at all for the same text.
fn difference(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_lines(old, new);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(DIFF_CONTEXT) {
        if !lines.is_empty() {
            lines.push(DiffLine { sign: ' ', text: "…".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            lines.push(DiffLine { sign, text: change.value().trim_end_matches('\n').to_owned() });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_the_changed_lines_with_their_neighbours() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), []);
        let lines = difference("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n");
        let text: Vec<String> = lines.iter().map(|line| format!("{}{}", line.sign, line.text)).collect();
        assert_eq!(text, [" 3", " 4", "-5", "+five", " 6", " 7", " 8", " 9", "+10"]);
    }
}
