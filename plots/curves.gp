# Lines in panels side by side, each named at its end: error over iteration of two rules, say. All panels share x and y.
#
# Columns: x, then one for each line, named "panel; line"; lines of a panel stand together. A header without "; ": one
# panel without a title.
# Options (xlabel, ylabel and hues are required):
#   xlabel, ylabel   with the unit
#   hues             a word a line: 2 to 7 a hue, 8 grey
#   logy             1: logarithmic y; then ymin is needed
#   ymin, ymax       the range of y (0 and that of the data); a line that leaves it below is named where it does
#   rules            vertical lines, "X=NAME X=NAME"; an underscore in a name is a space

known = 'xlabel ylabel hues logy ymin ymax rules'
load scripts.'/style.gp'

do for [option in 'xlabel ylabel hues'] {
    if (!has(option)) { exit error sprintf("curves needs the option %s", option) }
}
if (columns < 2) { exit error "a curves table has the column x and one for each line" }
series = columns - 1
if (words(option_hues) != series) { exit error "hues needs a word for each line" }
logarithmic = flag('logy', 0)
if (logarithmic && number('ymin', 0) <= 0) { exit error "a logarithmic y axis needs ymin above 0" }

cut(s) = strstrt(s, '; ')
panel_name(s) = cut(HEADER[s+1]) ? HEADER[s+1][1:cut(HEADER[s+1])-1] : ''
line_name(s) = cut(HEADER[s+1]) ? HEADER[s+1][cut(HEADER[s+1])+2:*] : HEADER[s+1]
hue(s) = int(real(word(option_hues, s)))
maximum(a, b) = a > b ? a : b
minimum(a, b) = a < b ? a : b

# Panels, and which lines each has.
array first[series]
array last[series]
panels = 0
widest = 4
highest = 0.
do for [s=1:series] {
    new = 1
    if (s > 1) { new = panel_name(s) ne panel_name(s-1) }
    if (new) { panels = panels + 1; first[panels] = s }
    last[panels] = s
    widest = maximum(widest, strlen(line_name(s)))
    highest = maximum(highest, HIGH[s+1])
}
low = number('ymin', 0)
high = number('ymax', highest)

set linetype 8 lc rgb "#8C8C8C" lw 1.6 dt 1
titled = strlen(panel_name(1)) > 0
wide = panels > 1 ? 300. : 420.; tall = 300.; left = 62.; room = 26 + 7.2*widest; below = 50.
top = (titled ? 34. : 14.) + (has('rules') ? 18 : 0)
width = left + panels*(wide + room); height = top + tall + below
eval canvas(width, height)

# Pixels above the foot of the panel.
place(v) = v <= low ? 0. : v >= high ? tall : \
           logarithmic ? tall*log(v/low)/log(high/low) : tall*(v - low)/(high - low)
step = 15.

# Where a line ends, and where it leaves the frame below, if it does.
array end[series]
array gone[series]
do for [s=1:series] {
    stats data skip skip_lines+rows-1 using s+1 nooutput
    end[s] = STATS_max
    if (end[s] < low) {
        stats data skip skip_lines using (column(s+1) < low ? $1 : 1/0) nooutput
        gone[s] = STATS_min
    }
}

set multiplot
set key off
set xlabel string('xlabel', '')
set xrange [LOW[1]:HIGH[1]]
set yrange [low:high]
if (logarithmic) { set logscale y; set format y "%g" }
array at[series]   # where a line ends, pixels
array to[series]   # where its name stands
array order[series]
do for [p=1:panels] {
    begin = left + (p - 1)*(wide + room)
    set lmargin at screen begin/width
    set rmargin at screen (begin + wide)/width
    set tmargin at screen 1 - top/height
    set bmargin at screen below/height
    unset label
    unset arrow
    if (titled) { set title panel_name(first[p]) offset 0, (has('rules') ? 0.6 : -0.3) }
    if (p == 1) { set label string('ylabel', '') at screen 16/width, graph 0.5 center rotate by 90 }
    if (has('rules')) {
        do for [rule in option_rules] {
            x = real(rule[1:strstrt(rule, '=')-1])
            name = rule[strstrt(rule, '=')+1:*]
            while (strstrt(name, '_')) { name = name[1:strstrt(name, '_')-1].' '.name[strstrt(name, '_')+1:*] }
            set arrow from first x, graph 0 to first x, graph 1 nohead dt 3 lw 1.0 lc rgb ink_grey back
            set label name at first x, graph 1 center offset 0, 0.6 tc rgb ink_grey font small
        }
    }
    # Ends of the lines, lowest first; a line below the frame at its end is named where it left.
    count = 0
    do for [s=first[p]:last[p]] {
        if (end[s] < low) {
            set label line_name(s) at first gone[s], graph 0 left offset 0.4, 0.7 tc lt hue(s)
        } else {
            at[s] = place(end[s])
            count = count + 1
            k = count
            while (k > 1 ? at[order[k-1]] > at[s] : 0) { order[k] = order[k-1]; k = k - 1 }
            order[k] = s
        }
    }
    # Names stand at least a line of text apart: pushed up from below, then down from the top.
    do for [k=1:count] { to[order[k]] = k > 1 ? maximum(at[order[k]], to[order[k-1]] + step) : maximum(at[order[k]], 0) }
    ceiling = tall + 6
    do for [k=1:count] {
        s = order[count+1-k]
        to[s] = minimum(to[s], ceiling)
        ceiling = to[s] - step
        set arrow from graph 1, graph at[s]/tall to graph 1+14./wide, graph to[s]/tall nohead lt hue(s) lw 0.8 dt 1
        set label line_name(s) at graph 1+18./wide, graph to[s]/tall left tc lt hue(s)
    }
    plot for [s=last[p]:first[p]:-1] data skip skip_lines using 1:(column(s+1)) with lines lt hue(s) lw 2
}
unset multiplot
