# Curves with bands: recall over false-rejection rate, imbalance ratio, image visits, number of tuning trials, ...
#
# Columns: x, then for each series three: its label (the value), its low and its high. Empty low and high: no band.
# Options (xlabel and ylabel are required):
#   title               above the frame
#   xlabel, ylabel      with the unit
#   percent             1: x is a fraction and shown in percent
#   logx                1: logarithmic x; points at x <= 0 are not drawn
#   xtics               marks at given x: "1:1=1 1:10=10 natural=37"; no others are drawn
#   xmin, xmax          the range of x (that of the data)
#   ymin, ymax          the range of y (0 and 1); "auto": that of the data
#   rule, rule_label    a vertical line at this x (FR 1 %), its name above it
#   hline, hline_label  a horizontal line at this y (ceiling, baseline), its name on it
#   points              1: markers on the points (default: on curves of up to 20 points)
#   baseline            0: the first series is not tuned BCE, whose blue stays unused
#   key                 place of the legend, "right bottom" say (default: outside, right); "off"
# More than 7 series: thin grey lines, the first two in colour.

known = 'title xlabel ylabel percent logx xtics xmin xmax ymin ymax rule rule_label hline hline_label points baseline key'
load scripts.'/style.gp'

series = (columns - 1) / 3
if (columns < 4 || columns != 3*series + 1) {
    exit error "a bands table has the column x and three columns a series: label, low, high"
}
if (!has('xlabel') || !has('ylabel')) {
    exit error "bands needs the options xlabel and ylabel"
}

first_hue = flag('baseline', 1) ? 1 : 2
many = series + first_hue - 1 > hues
points = flag('points', rows <= 20)
scale = flag('percent', 0) ? 100. : 1.
outside = !has('key')
value_of(s) = 3*s - 1
coloured = many ? 2 : series

# No number, no corner of the band: it stops there, as the line does.
bound(c) = valid(c) ? column(c) : 1/0

widest_label = 8
do for [s=1:coloured] { widest_label = strlen(HEADER[value_of(s)]) > widest_label ? strlen(HEADER[value_of(s)]) : widest_label }

# Series beyond the coloured ones share one grey.
grey_line(s) = s > coloured
do for [s=1:series] {
    if (grey_line(s)) {
        set style line s lc rgb "#B3B3B3" lw 0.9 dt 1 pt 7 ps 0.35*mark
    } else {
        eval sprintf("set style line %d lt %d", s, s + first_hue - 1)
    }
}


# The legend shows markers where the curves do; all grey lines are one entry.
entries = many ? coloured + 1 : series
entry(s) = s > coloured ? sprintf("%d others", series - coloured) : HEADER[value_of(s)]
entry_style = points ? 'linespoints' : 'lines'
legend = outside ? 54 + 7.4*widest_label : 0
eval canvas(560 + legend, 346 + title_height + (has('rule_label') ? 20 : 0))

set xlabel string('xlabel', '')
set ylabel string('ylabel', '')
if (has('title')) { set title string('title', '') offset 0, (has('rule_label') ? 0.5 : 0) }
if (outside) { set key outside right top Left } else {
    do for [word in option_key] {
        if (strstrt(' left right center top bottom off ', ' '.word.' ') == 0) {
            exit error sprintf("key: '%s' is none of left, right, center, top, bottom, off", word)
        }
    }
    if (option_key eq 'off') { unset key } else { eval 'set key inside '.option_key }
}

x_low = number('xmin', LOW[1])*scale
x_high = number('xmax', HIGH[1])*scale
if (flag('logx', 0)) {
    if (x_low <= 0) { exit error "a logarithmic x axis needs xmin above 0" }
    set logscale x
    set format x "%g"
    if (x_high < 300*x_low) { # too short for a mark at each power of ten
        set xtics ()
        do for [decade=int(floor(log10(x_low))):int(floor(log10(x_high)))] {
            do for [digit in "1 2 5"] { set xtics add (real(digit)*10.**decade) }
        }
    }
}
if (x_low == x_high) { set xrange [*:*] } else { set xrange [x_low:x_high] }
if (string('ymin', '') eq 'auto') { set yrange [*:] } else { set yrange [number('ymin', 0):] }
if (string('ymax', '') eq 'auto') { set yrange [:*] } else { set yrange [:number('ymax', 1)] }
if (!has('ymin') && !has('ymax')) { set format y "%.1f" }

if (has('xtics')) {
    set xtics ()
    do for [mark in string('xtics', '')] {
        at = strstrt(mark, '=')
        if (at < 2) { exit error sprintf("xtics: '%s' is not LABEL=POSITION", mark) }
        set xtics add (literal(mark[1:at-1]) real(mark[at+1:*])*scale)
    }
    unset mxtics
}

if (has('rule')) {
    rule = number('rule', 0)*scale
    set arrow from first rule, graph 0 to first rule, graph 1 nohead dt 3 lw 1.0 lc rgb ink_grey back
    set label string('rule_label', '') at first rule, graph 1 center offset 0, 0.6 tc rgb ink_grey font small
}
if (has('hline')) {
    hline = number('hline', 0)
    set arrow from graph 0, first hline to graph 1, first hline nohead dt 3 lw 1.0 lc rgb ink_grey back
    set label string('hline_label', '') at graph 0, first hline left offset 0.6, 0.5 tc rgb ink_grey font small front
}

# Bands first, then the lines from the last to the first, so that the baseline lies on top; the legend in reading order.
plot for [s=1:series] (COUNT[value_of(s)+1] > 1 && !grey_line(s) ? data : '/dev/null') skip skip_lines \
         using ($1*scale):(bound(value_of(s)+1)):(bound(value_of(s)+2)) \
         with filledcurves ls s fs transparent solid 0.16 noborder, \
     for [s=series:1:-1] data skip skip_lines using ($1*scale):(column(value_of(s))) with lines ls s, \
     for [s=series:1:-1] (points ? data : '/dev/null') skip skip_lines using ($1*scale):(column(value_of(s))) with points ls s dt 1, \
     for [s=1:entries] keyentry with @entry_style ls s title entry(s)
