//! Page structs: display-ready values and the templates they render.
