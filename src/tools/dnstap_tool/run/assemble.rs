// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts together what frames go through, and where to, as the options say.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use files::STANDARD_OUTPUT;
use operator_log::Log;
use pipeline::account::Account;
use pipeline::mask::Mask;
use pipeline::output::relay::Relay;
use pipeline::output::stats::{Printed, StatsOutput};
use pipeline::outputs::Outputs;
use pipeline::select::Selection;
use pipeline::stamp::Stamp;
use pipeline::stats::metrics::{Page, RejectedCounts};
use pipeline::worker::{FrameWorker, WorkerTotals};
use receive::CaptureError;

use super::output_files::settings;
use super::peers::{address, relays};
use crate::dnstap_tool::options::DnstapOptions;

/// Returns the filters of frames.
pub fn selection(options: &DnstapOptions) -> Selection {
    Selection {
        types: options.types.clone(),
        names: options.names.clone(),
        record_types: options.record_types.clone(),
        response_codes: options.response_codes.clone(),
        clients: options.clients.clone(),
        sample: options.sample.unwrap_or(1),
    }
}

/// The worker with all outputs open, to which nothing is written yet if one cannot be.
pub fn worker(
    options: &DnstapOptions,
    stop: &Arc<AtomicBool>,
    rejected: &RejectedCounts,
) -> Result<FrameWorker, CaptureError> {
    let mask = options.mask4.or(options.mask6).is_some();
    let mask = mask.then(|| Mask::new(options.mask4.unwrap_or(32), options.mask6.unwrap_or(128)));
    // Files can be read again; sockets cannot.
    let mut outputs = Outputs::new(options.listens());
    let is_endless = options.listens() || options.follow;
    let mut accounts = Vec::new();
    for (format, name) in options.files() {
        let file = format.open(&format.files(&name, &settings(options)), stop.clone());
        let file = file.map_err(|error| CaptureError::Other(error.to_string()))?;
        let account = Arc::new(Account::new(name.display().to_string(), false));
        accounts.push(account.clone());
        outputs.add("", file, account);
    }
    for (name, transport) in relays(options)? {
        let relay = Relay::start(name, transport, options.timeout, stop.clone(), is_endless);
        let relay = relay.map_err(|error| CaptureError::Other(error.to_string()))?;
        accounts.push(relay.account());
        let account = relay.account();
        outputs.add("relay to ", Box::new(relay), account);
    }
    if options.stats || options.metrics.is_some() {
        let stats = stats(options, accounts, rejected)?;
        let account = Arc::new(Account::new("statistics".into(), false));
        outputs.add("", Box::new(stats), account);
    }
    outputs.begin().map_err(|error| CaptureError::Other(error.to_string()))?;
    Ok(FrameWorker {
        selection: selection(options),
        stamp: options.sample.filter(|rate| *rate > 1).map(Stamp::new),
        mask,
        count: options.count.unwrap_or(u64::MAX),
        outputs,
        totals: WorkerTotals::default(),
        encoded: Vec::new(),
    })
}

fn stats(
    options: &DnstapOptions,
    accounts: Vec<Arc<Account>>,
    rejected: &RejectedCounts,
) -> Result<StatsOutput, CaptureError> {
    let files = options.files();
    let beside = files.iter().find(|(_, name)| name.as_os_str() == STANDARD_OUTPUT);
    let printed = match beside {
        _ if !options.stats => Printed::Not,
        None => Printed::Output { alone: true },
        Some((format, _)) if format.properties().may_precede_statistics => {
            Printed::Output { alone: false }
        }
        Some(_) => Printed::Error,
    };
    let page = options.metrics.as_ref().map(|_| Page::default());
    let stats = StatsOutput::new(printed, page.clone(), accounts, rejected.clone());
    // Who asks at once finds the page already.
    if let (Some(page), Some(name)) = (page, &options.metrics) {
        let failed = |error: String| CaptureError::Other(format!("--metrics {name}: {error}"));
        let address = address(name).map_err(|error| failed(error.to_string()))?;
        let address = page.serve(address).map_err(failed)?;
        Log.info(format_args!("metrics are at http://{address}/metrics"));
    }
    Ok(stats)
}
