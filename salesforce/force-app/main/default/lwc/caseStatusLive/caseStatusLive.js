import { LightningElement, api, track } from 'lwc';
import { loadScript } from 'lightning/platformResourceLoader';
import MILLRACE from '@salesforce/resourceUrl/millrace';
import connect from '@salesforce/apex/MillraceToken.connect';
import loadCases from '@salesforce/apex/MillraceCases.mine';
import { LiveCases } from './liveCases';

const LABELS = {
    loading: 'Loading …',
    live: 'Live',
    reconnecting: 'Reconnecting …',
    polling: 'Updated every minute',
};

/** The shell around LiveCases: markup and Salesforce's modules. What it shows and when is decided there. */
export default class CaseStatusLive extends LightningElement {
    @api heading = 'Your cases';
    @track view = { state: 'loading', cases: [] };

    connectedCallback() {
        this.live = new LiveCases({
            library: async () => {
                await loadScript(this, MILLRACE);
                return self.millrace;
            },
            connect,
            load: loadCases,
            onChange: (view) => {
                this.view = view;
            },
        });
        this.live.start();
    }

    disconnectedCallback() {
        this.live?.stop();
    }

    handleRefresh() {
        this.live.refresh();
    }

    get cases() {
        return this.view.cases.map((item) => ({ ...item, rowClass: item.isChanged ? 'changed' : '' }));
    }

    get isEmpty() {
        return this.view.isLoaded && this.view.cases.length === 0;
    }

    get message() {
        return this.view.message;
    }

    get stateLabel() {
        return LABELS[this.view.state];
    }

    get stateClass() {
        return `state state-${this.view.state}`;
    }
}
