/** The beginning: theme, then the application. */
import { mount } from 'svelte';
import './styles/theme.css';
import './styles/base.css';
import './styles/log.css';
import './styles/shell.css';
import App from './App.svelte';
import { settings } from './lib/settings.svelte';

settings.apply();
mount(App, { target: document.body });
